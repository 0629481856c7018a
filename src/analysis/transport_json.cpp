#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/transport_output.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

constexpr int indent = 1;

/// Numbers that are not finite have no place in JSON.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json interval(const std::array<double, 2>& bounds) { return Json::array({number(bounds[0]), number(bounds[1])}); }

Json to_json(const Estimate& e) {
  if (!e.determined()) {
    Json out{{"value", nullptr}, {"ci68", nullptr}, {"ci95", nullptr}, {"n_eff", nullptr}, {"refused", e.refused}};
    out["upper_bound"] = e.upper_bound ? number(*e.upper_bound) : Json(nullptr);
    return out;
  }
  return {
      {"value", number(e.value)}, {"ci68", interval(e.ci68)}, {"ci95", interval(e.ci95)}, {"n_eff", number(e.n_eff)}};
}

Json matrix_json(const Mat3& m) {
  Json out = Json::array();
  for (int k = 0; k < 3; ++k) out.push_back({number(m[k].x), number(m[k].y), number(m[k].z)});
  return out;
}

Json to_json(const DiffusionEstimate& d) {
  Json out = to_json(d.iso);
  out["xx"] = to_json(d.axes[0]), out["yy"] = to_json(d.axes[1]), out["zz"] = to_json(d.axes[2]);
  if (!d.tensor) return out;
  Json principal = Json::array();
  for (const Estimate& e : d.tensor->principal) principal.push_back(to_json(e));
  out["tensor"] = {{"value", matrix_json(d.tensor->value)},
                   {"sd", matrix_json(d.tensor->sd)},
                   {"principal", principal},
                   {"principal_axes", matrix_json(d.tensor->axes)}};
  return out;
}

Json to_json(const OnsagerMatrix& matrix) {
  Json out{{"species", Json::array()}, {"sigma_S_per_cm", matrix.sigma}, {"sigma_sd_S_per_cm", matrix.sigma_sd}};
  Json coefficients = Json::array();
  for (std::size_t a = 0; a < matrix.species.size(); ++a) {
    const SpeciesTransport& one = matrix.species[a];
    out["species"].push_back({{"element", one.symbol},
                              {"charge_e", one.charge},
                              {"n_ions", one.n_ions},
                              {"D_tracer_cm2_per_s", to_json(one.tracer)},
                              {"transference", number(one.transference)},
                              {"transference_sd", number(one.transference_sd)}});
    Json row = Json::array();
    for (std::size_t b = 0; b < matrix.species.size(); ++b)
      row.push_back(number(matrix.sigma[a][b] / (one.charge * matrix.species[b].charge)));
    coefficients.push_back(row);
  }
  out["L_S_per_cm_per_e2"] = coefficients;
  return out;
}

Json to_json(const std::vector<AnalysisWarning>& warnings) {
  Json out = Json::array();
  for (const AnalysisWarning& w : warnings) out.push_back({{"code", w.code}, {"text", w.text}});
  return out;
}

Json to_json(const TransportChecks& c) {
  return {{"alpha", number(c.alpha)},
          {"alpha2_peak", number(c.alpha2_peak)},
          {"alpha2_peak_ps", number(c.alpha2_peak_ps)},
          {"host_drift_A", number(c.host_drift)},
          {"host_rms_A", number(c.host.rms)},
          {"host_nearest_distance_A", number(c.host.nearest_distance)},
          {"host_msd_slope_A2_per_ps", number(c.host.slope)},
          {"host_msd_slope_sd_A2_per_ps", number(c.host.slope_sd)},
          {"host_msd_A2", c.host.msd},
          {"host_msd_lag_ps", c.host.lag_ps},
          {"host_grows", c.host.grows},
          {"host_exceeds_lindemann", c.host.exceeds},
          {"hops", c.hops},
          {"hops_per_ion", number(c.hops_per_ion)},
          {"jumped_ions", c.jumped_ions},
          {"jumped_ions_relative_error", number(c.jumped_ions_error)},
          {"hop_length_A", number(c.hop_length)},
          {"max_msd_A2", number(c.max_msd)},
          {"max_step_A", number(c.max_step)},
          {"live_deviation", c.live_deviation ? number(*c.live_deviation) : Json()},
          {"eligible", c.eligible},
          {"he_zhu_mo_relative_error", number(c.he_zhu_mo_error)},
          {"D_at_half_tau0_ratio", number(c.half_window_ratio)},
          {"D_at_double_tau0_ratio", number(c.double_window_ratio)},
          {"block_relative_error", number(c.block_relative_error)},
          {"second_half_msd_ratio", c.halves ? number(c.halves->ratio) : Json()},
          {"second_half_p", c.halves ? number(c.halves->p) : Json()},
          {"shared_motion_factor", number(c.shared_motion)},
          {"fit_p_tracer", number(c.fit_p_tracer)},
          {"fit_p_collective", number(c.fit_p_collective)},
          {"between_replicas_tracer", number(c.between_replicas_tracer)},
          {"between_replicas_collective", number(c.between_replicas_collective)}};
}

Json result_json(const TransportResult& r) {
  Json out;
  out["label"] = r.label;
  out["temperature_K"] = number(r.temperature_K);
  out["n_ions"] = r.n_ions;
  out["volume_A3"] = number(r.volume_A3);
  out["volume_sd_A3"] = number(r.volume_sd_A3);
  out["cell_A"] = matrix_json(r.mean_cell);
  out["time_ns"] = number(r.time_ns);
  out["replicas"] = r.replicas;
  out["sources"] = r.sources;
  out["mobile"] = r.mobile;
  out["window_ps"] = {number(r.window.tau0_ps), number(r.window.tau1_ps)};
  out["window"] = {{"diffusive", r.window.diffusive}, {"why", r.window.why}};
  out["D_tracer_cm2_per_s"] = to_json(r.tracer);
  out["D_sigma_cm2_per_s"] = to_json(r.collective);
  out["haven_ratio"] = to_json(r.haven_ratio);
  out["sigma_S_per_cm"] = to_json(r.sigma);
  out["sigma_NE_S_per_cm"] = to_json(r.sigma_NE);
  out["sigma_GK_S_per_cm"] = r.sigma_GK ? to_json(*r.sigma_GK) : Json(nullptr);
  out["onsager"] = r.onsager ? to_json(*r.onsager) : Json(nullptr);
  out["checks"] = to_json(r.checks);
  out["method"] =
      "generalised least squares over all time origins, log-spaced lags, analytic covariance (docs/transport.md)";
  out["seed"] = r.seed;
  out["refused"] = r.refused.empty() ? Json(nullptr) : Json(r.refused);
  out["warnings"] = to_json(r.warnings);
  return out;
}

Json line_json(const std::optional<ArrheniusLine>& line) {
  if (!line) return nullptr;
  return {{"Ea_eV", to_json(line->Ea_eV)},
          {"ln_prefactor", to_json(line->ln_prefactor)},
          {"covariance_Ea_ln_prefactor_eV", number(line->covariance)},
          {"chi2", number(line->chi2)},
          {"dof", line->dof},
          {"p_value", number(line->p_value)},
          {"error_factor", number(line->birge)},
          {"points", line->points},
          {"censored", line->censored},
          {"T_min_K", number(line->T_min)},
          {"T_max_K", number(line->T_max)}};
}

Json optional_number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

Json comparison_json(const ModelComparison& c) {
  return {{"preferred", c.preferred},
          {"aicc_line", optional_number(c.line)},
          {"aicc_two_lines", optional_number(c.two_lines)},
          {"aicc_vtf", optional_number(c.vtf)},
          {"break_between_K", {number(c.break_low_K), number(c.break_high_K)}},
          {"Ea_below_break_eV", number(c.Ea_low_T_eV)},
          {"Ea_above_break_eV", number(c.Ea_high_T_eV)},
          {"vtf_T0_K", number(c.vtf_T0_K)},
          {"vtf_B_K", number(c.vtf_B_K)}};
}

Json break_json(const std::optional<BreakChanges>& changes) {
  if (!changes) return nullptr;
  Json occupations = Json::array();
  for (const OccupationChange& one : changes->occupations)
    occupations.push_back(
        {{"type", one.type}, {"sites", one.sites}, {"change", number(one.change)}, {"sd", number(one.sd)}});
  return {{"volume_relative_departure", optional_number(changes->volume)},
          {"alpha2_peak_below", number(changes->alpha2_below)},
          {"alpha2_peak_above", number(changes->alpha2_above)},
          {"ions_per_site_departure", occupations},
          {"occupations_not_measured", changes->not_measured.empty() ? Json(nullptr) : Json(changes->not_measured)}};
}

Json arrhenius_object(const ArrheniusResult& a) {
  Json out;
  out["temperatures_K"] = a.temperatures_K;
  out["target_K"] = number(a.target_K);
  out["Ea_eV"] = to_json(a.Ea_eV);
  out["Ea_kJ_per_mol"] = to_json(scaled(a.Ea_eV, 96.48533212));
  out["Ea_tracer_eV"] = to_json(a.Ea_tracer_eV);
  out["sigma_S_per_cm_at_target"] = to_json(a.sigma_at_target);
  out["D_tracer_cm2_per_s_at_target"] = to_json(a.tracer_at_target);
  out["p_superionic"] = optional_number(a.p_superionic);
  out["superionic_S_per_cm"] = number(a.superionic_S_per_cm);
  out["extrapolation"] = number(a.extrapolation);
  out["model"] = a.model;
  out["grade"] = a.grade;
  out["fit_sigma_T"] = line_json(a.sigma_T);
  out["fit_D_tracer"] = line_json(a.tracer);
  out["Ea_tracer_minus_Ea_eV"] = to_json(a.haven_slope_eV);
  out["comparison"] = comparison_json(a.comparison);
  out["at_break"] = break_json(a.at_break);
  out["error_layer"] = "statistics of the runs; the spread between potentials and the choice of window are separate";
  out["seed"] = a.seed;
  out["refused"] = a.refused.empty() ? Json(nullptr) : Json(a.refused);
  out["warnings"] = to_json(a.warnings);
  return out;
}

/// Reads keys and says which is missing or of the wrong kind.
class Reader {
 public:
  Reader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object.is_object()) fail("an object", "{}");
  }
  template <class T>
  T get(const char* key) const {
    try {
      return at(key).get<T>();
    } catch (const Json::exception&) {
      fail("a value of another kind", key);
    }
  }
  const Json& at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) fail("this key", key);
    return *found;
  }
  Reader inside(const char* key) const { return {at(key), path_}; }
  /// null reads as 0.
  double real(const char* key) const { return at(key).is_null() ? 0.0 : get<double>(key); }
  Estimate estimate(const char* key) const {
    const Reader in = inside(key);
    if (in.at("value").is_null()) {
      Estimate e = refused_estimate(in.get<std::string>("refused"));
      if (!in.at("upper_bound").is_null()) e.upper_bound = in.get<double>("upper_bound");
      return e;
    }
    return {in.get<double>("value"),
            in.get<std::array<double, 2>>("ci68"),
            in.get<std::array<double, 2>>("ci95"),
            in.real("n_eff"),
            std::nullopt,
            {}};
  }
  DiffusionEstimate diffusion(const char* key) const {
    const Reader in = inside(key);
    DiffusionEstimate out{estimate(key), {in.estimate("xx"), in.estimate("yy"), in.estimate("zz")}};
    if (in.has("tensor")) out.tensor = in.inside("tensor").tensor();
    return out;
  }
  /// There, and not null: results of earlier versions lack some keys.
  bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }
  Mat3 matrix(const char* key) const {
    const auto rows = get<std::array<std::array<double, 3>, 3>>(key);
    Mat3 m;
    for (int k = 0; k < 3; ++k)
      for (int j = 0; j < 3; ++j) m[k][j] = rows[static_cast<std::size_t>(k)][static_cast<std::size_t>(j)];
    return m;
  }
  /// The estimate that this object is.
  Estimate whole() const {
    const Json wrapped{{"this", object_}};
    return Reader(wrapped, path_).estimate("this");
  }
  const std::string& path() const { return path_; }

  DiffusionTensor tensor() const {
    DiffusionTensor out{
        .value = matrix("value"), .sd = matrix("sd"), .principal = {}, .axes = matrix("principal_axes")};
    const Json& principal = at("principal");
    if (!principal.is_array() || principal.size() != out.principal.size()) fail("three values", "principal");
    for (std::size_t k = 0; k < out.principal.size(); ++k) out.principal[k] = Reader(principal[k], path_).whole();
    return out;
  }

 private:
  [[noreturn]] void fail(const char* what, const char* key) const {
    throw InputError(fmt::format("expected {}: '{}'", what, key), path_,
                     "Give a transport.json that this version of 'haven transport' wrote.");
  }
  const Json& object_;
  std::string path_;
};

TransportChecks read_checks(const Reader& in) {
  TransportChecks c;
  c.alpha = in.real("alpha"), c.alpha2_peak = in.real("alpha2_peak"), c.alpha2_peak_ps = in.real("alpha2_peak_ps");
  c.host_drift = in.real("host_drift_A"), c.host.rms = in.real("host_rms_A");
  c.host.nearest_distance = in.real("host_nearest_distance_A");
  c.host.slope = in.real("host_msd_slope_A2_per_ps"), c.host.slope_sd = in.real("host_msd_slope_sd_A2_per_ps");
  c.host.msd = in.get<std::vector<double>>("host_msd_A2"),
  c.host.lag_ps = in.get<std::vector<double>>("host_msd_lag_ps");
  c.host.grows = in.get<bool>("host_grows"), c.host.exceeds = in.get<bool>("host_exceeds_lindemann");
  c.hops = in.get<long long>("hops"), c.hops_per_ion = in.real("hops_per_ion"), c.hop_length = in.real("hop_length_A");
  c.max_msd = in.real("max_msd_A2"), c.max_step = in.real("max_step_A"), c.eligible = in.get<bool>("eligible");
  if (in.has("live_deviation")) c.live_deviation = in.real("live_deviation");
  c.he_zhu_mo_error = in.real("he_zhu_mo_relative_error");
  if (in.has("jumped_ions"))  // not in files of earlier versions
    c.jumped_ions = in.get<long long>("jumped_ions"), c.jumped_ions_error = in.real("jumped_ions_relative_error");
  c.half_window_ratio = in.real("D_at_half_tau0_ratio"), c.double_window_ratio = in.real("D_at_double_tau0_ratio");
  c.block_relative_error = in.real("block_relative_error"), c.shared_motion = in.real("shared_motion_factor");
  if (in.has("second_half_p"))  // not in files of earlier versions
    c.halves = HalvesTest{.ratio = in.real("second_half_msd_ratio"), .p = in.real("second_half_p")};
  c.fit_p_tracer = in.real("fit_p_tracer"), c.fit_p_collective = in.real("fit_p_collective");
  c.between_replicas_tracer = in.real("between_replicas_tracer");
  c.between_replicas_collective = in.real("between_replicas_collective");
  return c;
}

OnsagerMatrix read_onsager(const Reader& in) {
  OnsagerMatrix out;
  out.sigma = in.get<std::vector<std::vector<double>>>("sigma_S_per_cm");
  out.sigma_sd = in.get<std::vector<std::vector<double>>>("sigma_sd_S_per_cm");
  for (const Json& object : in.at("species")) {
    const Reader one(object, in.path());
    out.species.push_back({one.get<std::string>("element"), one.get<double>("charge_e"), one.get<long long>("n_ions"),
                           one.estimate("D_tracer_cm2_per_s"), one.real("transference"), one.real("transference_sd")});
  }
  const std::size_t n = out.species.size();
  const auto square = [n](const auto& m) {
    return m.size() == n && std::all_of(m.begin(), m.end(), [n](const auto& row) { return row.size() == n; });
  };
  if (!square(out.sigma) || !square(out.sigma_sd))
    throw InputError("the conductivity matrix does not fit the species", in.path(),
                     "Give a transport.json that this version of 'haven transport' wrote.");
  return out;
}

TransportResult read_result(const Json& object, const std::string& path) {
  const Reader in(object, path);
  TransportResult r;
  r.label = in.get<std::string>("label");
  r.temperature_K = in.get<double>("temperature_K");
  r.n_ions = in.get<long long>("n_ions");
  r.volume_A3 = in.get<double>("volume_A3"), r.volume_sd_A3 = in.real("volume_sd_A3");
  r.mean_cell = in.matrix("cell_A");
  r.time_ns = in.get<double>("time_ns"), r.replicas = in.get<int>("replicas");
  r.sources = in.get<std::vector<std::string>>("sources"), r.mobile = in.get<std::vector<std::string>>("mobile");
  const auto window = in.get<std::array<double, 2>>("window_ps");
  r.window.tau0_ps = window[0], r.window.tau1_ps = window[1];
  r.window.diffusive = in.inside("window").get<bool>("diffusive"),
  r.window.why = in.inside("window").get<std::string>("why");
  r.tracer = in.diffusion("D_tracer_cm2_per_s"), r.collective = in.diffusion("D_sigma_cm2_per_s");
  r.haven_ratio = in.estimate("haven_ratio");
  r.sigma = in.estimate("sigma_S_per_cm"), r.sigma_NE = in.estimate("sigma_NE_S_per_cm");
  if (in.has("sigma_GK_S_per_cm")) r.sigma_GK = in.estimate("sigma_GK_S_per_cm");
  if (in.has("onsager")) r.onsager = read_onsager(in.inside("onsager"));
  r.checks = read_checks(in.inside("checks"));
  r.seed = in.get<std::uint64_t>("seed");
  if (!in.at("refused").is_null()) r.refused = in.get<std::string>("refused");
  for (const Json& w : in.at("warnings")) {
    const Reader one(w, path);
    r.warnings.push_back({one.get<std::string>("code"), one.get<std::string>("text")});
  }
  return r;
}

Json parsed(const std::string& text, const std::string& path) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    throw InputError("this is no JSON: " + std::string(e.what()), path,
                     "Give a transport.json that 'haven transport' wrote.");
  }
}

}  // namespace

std::string transport_json(const TransportResult& result) { return result_json(result).dump(indent) + "\n"; }

std::string arrhenius_json(const ArrheniusResult& result) { return arrhenius_object(result).dump(indent) + "\n"; }

std::string transport_ladder_json(std::span<const TransportResult> results, const ArrheniusResult* arrhenius) {
  Json out;
  out["temperatures"] = Json::array();
  for (const TransportResult& r : results) out["temperatures"].push_back(result_json(r));
  out["arrhenius"] = arrhenius != nullptr ? arrhenius_object(*arrhenius) : Json(nullptr);
  return out.dump(indent) + "\n";
}

std::string estimate_json(const Estimate& estimate) { return to_json(estimate).dump(); }

Estimate estimate_from_json(const std::string& text, const std::string& path) {
  const Json object = parsed(text, path);
  return Reader(object, path).whole();
}

TransportResult transport_from_json(const std::string& text, const std::string& path) {
  return read_result(parsed(text, path), path);
}

std::vector<TransportResult> transport_results_from_json(const std::string& text, const std::string& path) {
  const Json root = parsed(text, path);
  if (!root.is_object() || !root.contains("temperatures")) return {read_result(root, path)};
  std::vector<TransportResult> results;
  for (const Json& one : root["temperatures"]) results.push_back(read_result(one, path));
  return results;
}

}  // namespace haven
