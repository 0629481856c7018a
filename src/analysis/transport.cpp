#include "analysis/transport.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "analysis/distributions.hpp"
#include "analysis/green_kubo.hpp"
#include "analysis/haven_ratio.hpp"
#include "analysis/planner.hpp"
#include "analysis/shared_motion.hpp"
#include "analysis/transport_curves.hpp"
#include "analysis/transport_judge.hpp"
#include "analysis/transport_tensor.hpp"
#include "analysis/window.hpp"
#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr Index fewest_frames = 40;

std::vector<int> mobile_numbers(const TransportOptions& options) {
  if (options.mobile.empty())
    throw ConfigError("no mobile species is named", "system.mobile", "Name the diffusing elements, e.g. --mobile Li.");
  std::vector<int> numbers;
  for (const std::string& symbol : options.mobile) {
    numbers.push_back(atomic_number(symbol));
    if (numbers.back() == 0)
      throw ConfigError(fmt::format("'{}' is no element", symbol), "system.mobile", "Use symbols such as Li.");
    const auto charge = options.charges.find(symbol);
    if (charge == options.charges.end() || charge->second == 0)
      throw ConfigError(fmt::format("the formal charge of {} is not given", symbol), "system.charges",
                        "Give it, e.g. charges = { Li = 1 } or --charge Li=1.");
  }
  return numbers;
}

/// Everything that is computed for one temperature; each step fills part of the result.
class Analysis {
 public:
  Analysis(std::vector<IonTracks> replicas, const TransportOptions& options)
      : options_(options), replicas_(comparable_replicas(std::move(replicas), result_.warnings)) {
    describe();
    for (AnalysisWarning& one : input_warnings(replicas_, result_)) result_.warnings.push_back(std::move(one));
  }

  TransportResult run() {
    host();
    hops();
    if (shortest() < fewest_frames) {
      refuse_all(fmt::format("a replica of {} frames is too short; at least {} are needed", shortest(), fewest_frames),
                 std::nullopt);
      return std::move(result_);
    }
    curves_.emplace(replicas_, ion_charges());
    shape_ = {3, curves_->axis_share()};
    const std::string few = too_few_hops(judge_, options_);
    if (!few.empty()) {
      refuse_all(few, hop_bound_cm2_per_s(judge_));
      fill_curves(nullptr, nullptr);
      return std::move(result_);
    }
    shared_motion();
    choose();
    const LineFit tracer = fit_line(curves_->tracer(), range(), shape_);
    const LineFit collective = fit_line(curves_->collective(), range(), shape_);
    judge_errors(tracer, collective);
    estimate(tracer, collective);
    components();
    several_species();
    cross_checks(tracer, collective);
    conductivities();
    fill_curves(&tracer, &collective);
    return std::move(result_);
  }

 private:
  void warn(const char* code, std::string text) { result_.warnings.push_back({code, std::move(text)}); }
  LagRange range() const { return {result_.window.first_lag, result_.window.last_lag}; }
  Index shortest() const {
    Index frames = replicas_[0].n_frames;
    for (const IonTracks& tracks : replicas_) frames = std::min(frames, tracks.n_frames);
    return frames;
  }

  void describe() {
    result_.temperature_K = common_temperature(replicas_, options_.temperature_K, result_.warnings);
    result_.n_ions = replicas_[0].n_ions();
    result_.replicas = static_cast<int>(replicas_.size());
    result_.mobile = options_.mobile, result_.seed = options_.seed;
    const auto count = static_cast<double>(replicas_.size());
    for (const IonTracks& tracks : replicas_) {
      result_.volume_A3 += tracks.volume / count;
      result_.volume_sd_A3 = std::max(result_.volume_sd_A3, tracks.volume_sd);
      result_.time_ns += tracks.duration_ps() / 1e3;
      result_.sources.push_back(tracks.path);
      result_.checks.host_drift = std::max(result_.checks.host_drift, tracks.drift_length);
      result_.checks.max_step = std::max(result_.checks.max_step, tracks.max_step);
    }
    result_.mean_cell = replicas_[0].mean_cell;
    judge_.n_ions = result_.n_ions, judge_.interval_ps = replicas_[0].interval_ps;
    judge_.total_ps = result_.time_ns * 1e3;
    judge_.hop_length = options_.hop_length;
    if (judge_.hop_length <= 0)
      judge_.hop_length = replicas_[0].mobile_spacing > 0 ? std::clamp(replicas_[0].mobile_spacing, 1.5, 5.0) : 3.0;
    result_.checks.hop_length = judge_.hop_length;
  }

  std::vector<double> ion_charges() const {
    std::vector<double> charges;
    for (const int number : replicas_[0].numbers)
      charges.push_back(options_.charges.at(std::string(element_symbol(number))));
    return charges;
  }

  void host() {
    for (const IonTracks& tracks : replicas_) {
      HostReport report = analyse_host(tracks.host, options_.lindemann_factor);
      if (report.rms >= result_.checks.host.rms || report.mobile()) result_.checks.host = std::move(report);
      if (result_.checks.host.mobile()) break;
    }
    const HostReport& worst = result_.checks.host;
    judge_.host_mobile = worst.mobile();
    if (worst.grows)
      warn("TR010", fmt::format("the host's MSD grows by {:.2g} +- {:.1g} A^2/ns: the framework melts or rearranges",
                                1e3 * worst.slope, 1e3 * worst.slope_sd));
    if (worst.exceeds)
      warn("TR011", fmt::format("host atoms move by {:.2f} A (rms), more than {} of their nearest distance {:.2f} A: "
                                "melting or rotating groups",
                                worst.rms, options_.lindemann_factor, worst.nearest_distance));
  }

  void hops() {
    TransportChecks& checks = result_.checks;
    for (const IonTracks& tracks : replicas_) {
      const HopCount count = count_hops(tracks, judge_.hop_length);
      checks.hops += count.total, checks.jumped_ions += count.ions;
    }
    if (checks.jumped_ions > 0)
      checks.jumped_ions_error = jumped_ions_relative_error(static_cast<double>(judge_.n_ions * result_.replicas),
                                                            static_cast<double>(checks.jumped_ions));
    judge_.hops = result_.checks.hops;
    result_.checks.hops_per_ion = static_cast<double>(judge_.hops) / static_cast<double>(judge_.n_ions);
  }

  /// Measured where ions have moved by a hop length; before, vibration (which ions share in waves) would be measured.
  void shared_motion() {
    const std::vector<double>& msd = curves_->mean_tracer().total;
    const double hop2 = judge_.hop_length * judge_.hop_length;
    std::size_t k = 0;
    while (msd[k] < hop2 && curves_->lags()[k + 1] * 10 < curves_->shortest_run()) ++k;
    if (msd[k] < 0.5 * hop2) return;
    result_.checks.shared_motion = shared_motion_factor(replicas_, curves_->weights(), curves_->lags()[k]);
    curves_->share_motion(result_.checks.shared_motion);
  }

  WindowInput window_input() const {
    std::size_t usable = curves_->lags().size();
    if (!options_.window_ps)
      while (usable > 4 && curves_->lags()[usable - 1] * 5 > curves_->shortest_run()) --usable;
    return {.tracer = curves_->tracer(),
            .collective = curves_->collective(),
            .shape = shape_,
            .usable = usable,
            .interval_ps = judge_.interval_ps,
            .shortest_run = curves_->shortest_run(),
            .hop_length = judge_.hop_length,
            .alpha2_peak = curves_->alpha2_peak()};
  }

  void choose() {
    const WindowInput input = window_input();
    result_.window = choose_window(input, options_.window_ps);
    TransportChecks& checks = result_.checks;
    checks.alpha = window_exponent(input, range());
    checks.alpha2_peak = curves_->mean_tracer().alpha2[input.alpha2_peak];
    checks.alpha2_peak_ps = static_cast<double>(curves_->lags()[input.alpha2_peak]) * judge_.interval_ps;
    checks.max_msd = *std::max_element(curves_->mean_tracer().total.begin(), curves_->mean_tracer().total.end());
    const double squares = checks.max_msd / (judge_.hop_length * judge_.hop_length);
    checks.he_zhu_mo_error = he_zhu_mo_relative_error(static_cast<double>(judge_.n_ions * result_.replicas) * squares);
    checks.eligible = squares > 0.5 && result_.window.diffusive;
    if (options_.window_ps && std::abs(checks.alpha - 1.0) > 0.2)
      warn("TR016",
           fmt::format("the MSD grows with the exponent {:.2f} at the start of the given window", checks.alpha));
  }

  double bound_at_window_end(const std::vector<double>& y, std::span<const RunCurve> runs) const {
    const std::size_t k = result_.window.last_lag - 1;
    const auto lag = static_cast<double>(curves_->lags()[k]);
    double variance = 0;
    // Offset and slope are not separated here: the whole displacement counts as diffusion, which can only raise the
    // bound.
    for (const RunCurve& run : runs)
      for (const double share : shape_.axis_share.empty() ? std::vector<double>(3, 1.0 / 3.0) : shape_.axis_share)
        variance += std::pow(run.shared_motion, 2) * (*run.covariance)(k, k, y[k] / lag * share, 0.0) / run.walkers;
    variance /= static_cast<double>(runs.size() * runs.size());
    return displacement_bound_cm2_per_s(std::max(y[k], 1e-12), std::max(variance, 1e-24), lag * judge_.interval_ps);
  }

  /// What the fits do not know about their errors: bursts and slow changes.
  void judge_errors(const LineFit& tracer, const LineFit& collective) {
    const ReplicaCurves::BlockSlopes blocks = curves_->block_slopes(range(), shape_);
    tracer_blocks_ = block_scatter(blocks.tracer, tracer.slope, tracer.slope_sd);
    collective_blocks_ = block_scatter(blocks.collective, collective.slope, collective.slope_sd);
    result_.checks.block_relative_error = tracer_blocks_.relative_error;
    result_.checks.halves = compare_halves(curves_->halves(result_.window.first_lag), result_.checks.shared_motion);
    if (const auto& halves = result_.checks.halves; halves && halves->p < 0.001)
      warn("TR034", fmt::format("ions move {:+.0f} % in the second half of the run beside the first (p = {:.1g}): the "
                                "system changes while it is measured",
                                100.0 * (halves->ratio - 1.0), halves->p));
    const auto tell = [&](const char* name, const BlockScatter& blocks_of, double claimed) {
      if (blocks_of.widening > 1.0)
        warn("TR007", fmt::format("blocks of the run scatter by {:.1f} % in {}, the fit claims {:.1f} %: ions move in "
                                  "bursts, or the system changes; the intervals are those of the blocks",
                                  100.0 * blocks_of.relative_error, name, 100.0 * claimed));
    };
    tell("D*", tracer_blocks_, tracer.relative_sd());
    tell("D_sigma", collective_blocks_, collective.relative_sd());
  }

  void estimate(const LineFit& tracer, const LineFit& collective) {
    const double tracer_bound = bound_at_window_end(curves_->mean_tracer().total, curves_->tracer());
    const double collective_bound = bound_at_window_end(curves_->mean_collective().total, curves_->collective());
    if (result_.window.diffusive) {
      result_.tracer.iso = judge_fit(with_sample_tail(tracer), result_.window, judge_, options_, tracer_bound);
      result_.collective.iso = judge_fit(with_blocks(collective), result_.window, judge_, options_, collective_bound);
    } else {
      const double d = tracer.slope / (6.0 * judge_.interval_ps) * units::a2_per_ps_in_cm2_per_s;
      result_.tracer.iso = refuse_subdiffusive(result_.window, judge_, options_, d, tracer_bound);
      result_.collective.iso = refuse_subdiffusive(result_.window, judge_, options_, d, collective_bound);
    }
    if (result_.tracer.iso.determined() && !result_.collective.iso.determined() && collective.slope > 0) {
      const double z = 1.959963984540054 * collective.slope_sd, low = tracer.slope / (collective.slope + z);
      ratio_interval_ = collective.slope > z ? fmt::format("95 % interval [{:.2g}, {:.2g}]; ", low,
                                                           tracer.slope / (collective.slope - z))
                                             : fmt::format("95 % interval above {:.2g}; ", low);
    }
    if (!result_.tracer.iso.determined()) warn("TR012", "D* refused: " + result_.tracer.iso.refused);
    if (!result_.collective.iso.determined()) warn("TR013", "D_sigma refused: " + result_.collective.iso.refused);
  }

  /// The tracer variance was measured on the ions themselves: Student's t with that many degrees of freedom.
  LineFit with_sample_tail(LineFit fit) const {
    fit.slope_sd *= tracer_blocks_.widening;
    fit.quantile_factor = std::max(fit.quantile_factor, tracer_blocks_.quantile_factor);
    if (curves_->tracer()[0].walker_curves.empty()) return fit;
    const double dof = static_cast<double>((judge_.n_ions - 1) * result_.replicas);
    fit.quantile_factor = std::max(fit.quantile_factor, student_quantile(0.975, dof) / normal_quantile(0.975));
    return fit;
  }

  LineFit with_blocks(LineFit fit) const {
    fit.slope_sd *= collective_blocks_.widening;
    fit.quantile_factor = std::max(fit.quantile_factor, collective_blocks_.quantile_factor);
    return fit;
  }

  void components() {
    for (std::size_t a = 0; a < 3; ++a) {
      const FitShape one{1, {}};
      const auto fill = [&](const LineFit& fit, const Estimate& iso) {
        if (!iso.determined()) return refused_estimate(iso.refused);
        // judge_fit divides by 2 d = 6; a single axis has 2.
        if (!(fit.relative_sd() <= options_.max_relative_error))
          return refused_estimate(fmt::format("standard error above {:.0f} %", 100.0 * options_.max_relative_error));
        const double value = fit.slope / (2.0 * judge_.interval_ps) * units::a2_per_ps_in_cm2_per_s;
        return log_normal_estimate(value, fit.relative_sd(), 1, fit.quantile_factor);
      };
      result_.tracer.axes[a] =
          fill(with_sample_tail(fit_line(curves_->tracer_axis(a), range(), one)), result_.tracer.iso);
      result_.collective.axes[a] =
          fill(with_blocks(fit_line(curves_->collective_axis(a), range(), one)), result_.collective.iso);
    }
    const auto tensor = [&](DiffusionEstimate& estimate, Motion motion, const BlockScatter& blocks) {
      if (!estimate.iso.determined()) return;
      estimate.tensor = diffusion_tensor(*curves_, range(), motion, judge_.interval_ps, options_.max_relative_error);
      estimate.tensor = widened(*estimate.tensor, blocks.widening);
    };
    tensor(result_.tracer, Motion::tracer, tracer_blocks_);
    tensor(result_.collective, Motion::collective, collective_blocks_);
  }

  /// S/cm per cm^2/s of a D_sigma with a sum of squared charges of one.
  double conductivity_factor() const {
    return units::conductivity_from_cm2_per_s / (result_.volume_A3 * units::boltzmann * result_.temperature_K);
  }

  void several_species() {
    std::vector<SpeciesTransport> species;
    for (const std::string& symbol : options_.mobile) {
      const auto count = std::count(replicas_[0].numbers.begin(), replicas_[0].numbers.end(), atomic_number(symbol));
      if (count > 0) species.push_back({symbol, options_.charges.at(symbol), count, {}});
    }
    if (species.size() < 2 || !result_.collective.iso.determined()) return;
    const double factor = conductivity_factor() * units::a2_per_ps_in_cm2_per_s / (6.0 * judge_.interval_ps);
    result_.onsager = onsager_matrix(*curves_, range(), shape_, std::move(species), factor, judge_.interval_ps);
  }

  /// Green-Kubo from the velocities, beside the Einstein value.
  void green_kubo() {
    const auto currents = charge_currents(replicas_, options_.charges);
    if (currents.empty()) return;
    // The integral over all times is twice that of Green and Kubo; D in A^2/ps for each squared charge.
    const double factor = 0.5 * conductivity_factor() * units::a2_per_ps_in_cm2_per_s;
    const ZeroFrequency zero = zero_frequency(currents, replicas_[0].velocity_interval_ps);
    result_.sigma_GK = judge_zero_frequency(zero, factor);
    if (!result_.sigma_GK->determined()) {
      if (zero.refused.empty()) warn("TR030", "Green-Kubo refused: " + result_.sigma_GK->refused);
      return;
    }
    if (!result_.sigma.determined()) return;
    const double difference = std::abs(std::log(result_.sigma_GK->value / result_.sigma.value));
    if (difference > 1.96 * std::hypot(zero.log_sd, result_.sigma.log_sd()))
      warn("TR031",
           fmt::format("Green-Kubo ({:.3g} S/cm) and Einstein ({:.3g} S/cm) conductivities differ beyond their "
                       "errors: check the window, the drift, the thermostat and the output interval",
                       result_.sigma_GK->value, result_.sigma.value));
  }

  void cross_checks(const LineFit& tracer, const LineFit& collective) {
    TransportChecks& checks = result_.checks;
    if (tracer.chi2_dof > 0) checks.fit_p_tracer = chi2_survival(tracer.chi2, tracer.chi2_dof);
    if (collective.chi2_dof > 0) checks.fit_p_collective = chi2_survival(collective.chi2, collective.chi2_dof);
    if (tracer.slope > 0) checks.between_replicas_tracer = tracer.between_sd / tracer.slope;
    if (collective.slope > 0) checks.between_replicas_collective = collective.between_sd / collective.slope;
    if (tracer.chi2_dof > 0 && checks.fit_p_tracer < 0.01)
      warn("TR017", fmt::format("the MSD is not straight within the window (p = {:.1g}): D* depends on the window",
                                checks.fit_p_tracer));
    if (tracer.heterogeneity_p < 0.01)
      warn("TR014", fmt::format("replicas differ by {:.0f} % in D* beyond their statistical errors: the runs do not "
                                "sample the same states",
                                100.0 * checks.between_replicas_tracer));
    window_sensitivity(tracer.slope);
  }

  void window_sensitivity(double slope) {
    const WindowInput input = window_input();
    const auto ratio = [&](double tau0_ps) {
      const auto frames = tau0_ps / judge_.interval_ps;
      std::size_t first = 0;
      while (first < input.usable && static_cast<double>(curves_->lags()[first]) < frames * (1.0 - 1e-9)) ++first;
      if (frames < 1.0 || first + 3 > input.usable || !(slope > 0)) return 0.0;
      return fit_line(curves_->tracer(), window_from(input, first), shape_).slope / slope;
    };
    result_.checks.half_window_ratio = ratio(0.5 * result_.window.tau0_ps);
    result_.checks.double_window_ratio = ratio(2.0 * result_.window.tau0_ps);
  }

  void conductivities() {
    double squares = 0;
    for (const double q : ion_charges()) squares += q * q;
    const double factor = conductivity_factor() * squares;
    result_.sigma = scaled(result_.collective.iso, factor);
    result_.sigma_NE = scaled(result_.tracer.iso, factor);
    green_kubo();
    result_.haven_ratio = haven_ratio(result_.tracer.iso, result_.collective.iso, judge_.n_ions);
    if (!result_.haven_ratio.determined()) result_.haven_ratio.refused.insert(0, ratio_interval_);
    if (judge_.host_mobile && result_.haven_ratio.determined())
      result_.haven_ratio = refused_estimate(
          "the host moves (see TR010, TR011): a Haven ratio of the mobile species alone has no meaning");
    if (result_.haven_ratio.determined() && result_.haven_ratio.ci95[0] > 1.0)
      warn("TR009", fmt::format("H_R = {:.2f} is above 1 with its whole interval: check for drift, a wrong charge, or "
                                "a blocking mechanism",
                                result_.haven_ratio.value));
    for (const Estimate* e : {&result_.tracer.iso, &result_.collective.iso, &result_.haven_ratio})
      if (result_.refused.empty() && !e->determined()) result_.refused = e->refused;
  }

  void refuse_all(const std::string& reason, std::optional<double> tracer_bound) {
    std::optional<double> collective_bound;
    if (tracer_bound) {
      collective_bound = *tracer_bound / haven_ratio_floor;
      warn("TR002", fmt::format("the bound on D_sigma and sigma allows for concerted motion down to H_R = {}",
                                haven_ratio_floor));
    }
    result_.tracer.iso = refused_estimate(reason, tracer_bound);
    result_.collective.iso = refused_estimate(reason, collective_bound);
    for (std::size_t a = 0; a < 3; ++a) result_.tracer.axes[a] = result_.collective.axes[a] = refused_estimate(reason);
    result_.window.why = reason;
    warn("TR012", "D* refused: " + reason);
    conductivities();
  }

  void fill_curves(const LineFit* tracer, const LineFit* collective) {
    TransportCurves& out = result_.curves;
    const MsdCurve& msd = curves_->mean_tracer();
    result_.checks.max_msd = *std::max_element(msd.total.begin(), msd.total.end());
    out.tracer = msd.total, out.tracer_axes = msd.axes, out.alpha2 = msd.alpha2;
    out.collective = curves_->mean_collective().total, out.collective_axes = curves_->mean_collective().axes;
    for (std::size_t k = 0; k < curves_->lags().size(); ++k) {
      out.lag_ps.push_back(static_cast<double>(curves_->lags()[k]) * judge_.interval_ps);
      out.tracer_sd.push_back(std::sqrt(msd.variance_of_mean[k]));
      double variance = 0;
      const double slope = collective != nullptr ? std::max(collective->slope, 0.0) : 0.0;
      const double offset = std::max(0.0, out.collective[k] - slope * static_cast<double>(curves_->lags()[k]));
      for (const RunCurve& run : curves_->collective())
        variance += 3.0 * (*run.covariance)(k, k, slope / 3.0, offset / 6.0);
      out.collective_sd.push_back(std::sqrt(variance) / static_cast<double>(result_.replicas));
      out.in_window.push_back(tracer != nullptr && k >= result_.window.first_lag && k < result_.window.last_lag);
    }
    if (tracer == nullptr || collective == nullptr) return;
    out.tracer_slope = tracer->slope / judge_.interval_ps, out.tracer_intercept = tracer->intercept;
    out.collective_slope = collective->slope / judge_.interval_ps, out.collective_intercept = collective->intercept;
    measured_by_the_runs();
  }

  void measured_by_the_runs() {
    LiveCurve live = mean_live_curve(replicas_, options_.charges);
    const auto deviation = live_deviation(live, result_.curves, judge_.total_ps / result_.replicas);
    if (deviation.value_or(0) > 5)
      warn("TR032", fmt::format("displacements that the runs measured themselves differ from those of the stored "
                                "frames by {:.1f} standard errors: frames are missing, or belong to another run",
                                *deviation));
    result_.checks.live_deviation = deviation;
    result_.curves.live = below(std::move(live), judge_.interval_ps);
  }

  TransportOptions options_;
  TransportResult result_;
  std::vector<IonTracks> replicas_;
  JudgeInput judge_;
  FitShape shape_;
  std::optional<ReplicaCurves> curves_;
  BlockScatter tracer_blocks_, collective_blocks_;
  std::string ratio_interval_;  ///< of H_R where D* is determined and D_sigma is not
};

}  // namespace

TransportResult analyse_tracks(std::vector<IonTracks> replicas, const TransportOptions& options) {
  static_cast<void>(mobile_numbers(options));
  return Analysis(std::move(replicas), options).run();
}

TransportResult analyse_transport(std::vector<std::unique_ptr<TrajectorySource>> replicas,
                                  const TransportOptions& options, Log& log) {
  const CollectOptions collect{.mobile = mobile_numbers(options),
                               .skip_ps = options.skip_ps,
                               .drift = options.drift,
                               .memory_bytes = options.memory_bytes / std::max<std::size_t>(1, replicas.size())};
  std::vector<IonTracks> tracks;
  for (auto& source : replicas) {
    log.progress("reading " + source->info().path);
    tracks.push_back(collect_tracks(*source, collect));
    source.reset();
  }
  TransportResult result = analyse_tracks(std::move(tracks), options);
  for (const AnalysisWarning& warning : result.warnings) log.warn(warning.code, warning.text);
  return result;
}

}  // namespace haven
