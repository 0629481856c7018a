#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/estimate.hpp"
#include "analysis/live_displacements.hpp"
#include "analysis/msd.hpp"
#include "analysis/trajectory_source.hpp"
#include "core/log.hpp"

namespace haven {

/// Settings of the analysis of one temperature. The method is described in docs/transport.md.
struct TransportOptions {
  std::vector<std::string> mobile;  ///< symbols of the mobile species, e.g. {"Li"}
  std::map<std::string, double>
      charges;               ///< formal charges of the mobile species, e; +-1-valent defaults are not guessed
  double temperature_K = 0;  ///< 0: from the trajectory
  std::optional<std::array<double, 2>> window_ps;  ///< fit window; chosen by tests when absent
  double min_hops = 20;                            ///< fewer in total and less than one per ion: refused
  double hop_length = 0;               ///< A; 0: median distance of a mobile ion to its nearest mobile neighbour
  double skip_ps = 0;                  ///< left out at the start of every replica
  Drift drift = Drift::host;           ///< what is at rest; the centre of mass of all atoms without a host
  double lindemann_factor = 0.25;      ///< host rms / nearest host distance above which the host counts as mobile
  double max_relative_error = 0.5;     ///< a value with a larger standard error is refused
  double target_relative_error = 0.2;  ///< for the run length that a refusal asks for
  std::uint64_t seed = 20240229;       ///< recorded with the result
  std::size_t memory_bytes = std::size_t{3} << 29;
};

/// The fit window and why it is what it is.
struct WindowChoice {
  double tau0_ps = 0, tau1_ps = 0;
  std::size_t first_lag = 0, last_lag = 0;  ///< [first, last) in the lag grid
  bool diffusive = false;                   ///< all tests passed (or the user chose)
  std::string why;                          ///< which test decided
};

/// Symmetric diffusion tensor, cm^2/s.
struct DiffusionTensor {
  Mat3 value{}, sd{};                 ///< components and their standard errors
  std::array<Estimate, 3> principal;  ///< along the principal axes, largest first
  Mat3 axes{};                        ///< rows: unit vectors of the principal axes, Cartesian
};

/// A diffusion coefficient with its components. cm^2/s.
struct DiffusionEstimate {
  Estimate iso;                             ///< trace / 3
  std::array<Estimate, 3> axes;             ///< xx, yy, zz
  std::optional<DiffusionTensor> tensor{};  ///< when iso is determined
};

/// One of several mobile species.
struct SpeciesTransport {
  std::string symbol;
  double charge = 0;  ///< e
  long long n_ions = 0;
  Estimate tracer;                               ///< D*, cm^2/s
  double transference = 0, transference_sd = 0;  ///< share of the conductivity, cross terms halved between partners
};

/// How several mobile species share the conductivity: sigma_ab = q_a q_b L_ab, whose sum over a and b is sigma.
struct OnsagerMatrix {
  std::vector<SpeciesTransport> species;
  std::vector<std::vector<double>> sigma, sigma_sd;  ///< S/cm, [a][b]
};

/// MSD of single ions at tau0 in the second half of the run beside the first.
struct HalvesTest {
  double ratio = 1;  ///< second / first
  double p = 1;      ///< that a steady system gives such a difference
};

/// Evidence behind the numbers.
struct TransportChecks {
  double alpha = 0;           ///< exponent of the MSD without its offset at tau0: local slope / fitted slope
  double alpha2_peak_ps = 0;  ///< lag of the largest non-Gaussian parameter
  double alpha2_peak = 0;
  double host_drift = 0;  ///< A, largest over replicas; removed
  HostReport host;        ///< of the replica whose host moves most
  double hops_per_ion = 0;
  long long hops = 0;
  long long jumped_ions = 0;     ///< that made at least one hop, over all replicas
  double jumped_ions_error = 0;  ///< relative error of D* that their number allows, for comparison; 0 without any
  double hop_length = 0;         ///< A
  double max_msd = 0;            ///< A^2
  bool eligible = false;         ///< max MSD > 0.5 hop^2 (He, Zhu & Mo 2018) and enough hops
  double he_zhu_mo_error = 0;    ///< relative error by their rule, for comparison
  double half_window_ratio = 0, double_window_ratio = 0;  ///< D*(tau0/2)/D*, D*(2 tau0)/D*; 0 when not available
  double block_relative_error = 0;                ///< of D* from five blocks per run; replaces a claim it contradicts
  std::optional<HalvesTest> halves{};             ///< nothing for few ions and short runs
  double shared_motion = 1;                       ///< factor on the error of D* for motion that ions share
  double fit_p_tracer = 0, fit_p_collective = 0;  ///< p of chi^2 of the residuals
  double between_replicas_tracer = 0, between_replicas_collective = 0;  ///< relative spread beyond the statistical one
  double max_step = 0;                                                  ///< A between stored frames
  std::optional<double> live_deviation{};  ///< largest deviation of the curves that the run itself measured from those
                                           ///< of the frames, in standard errors
};

/// Curves for plots and CSV; all replicas combined.
struct TransportCurves {
  std::vector<double> lag_ps, tracer, tracer_sd, collective, collective_sd, alpha2;  ///< A^2
  std::vector<std::array<double, 3>> tracer_axes, collective_axes;                   ///< A^2
  std::vector<char> in_window;
  double tracer_slope = 0, tracer_intercept = 0;  ///< fitted line, A^2/ps and A^2
  double collective_slope = 0, collective_intercept = 0;
  LiveCurve live{};  ///< measured by the runs themselves at lags below the frame interval
};

/// Sites of one type: how many there are, and the mean number of ions on each.
struct SiteOccupancy {
  long long sites = 0;
  double occupation = 0, sd = 0;  ///< standard error
};

/// What one temperature says.
struct TransportResult {
  std::string label;  ///< e.g. "T1000"; set by the caller
  double temperature_K = 0;
  long long n_ions = 0;
  double volume_A3 = 0, volume_sd_A3 = 0;
  Mat3 mean_cell{};
  double time_ns = 0;  ///< sum over replicas
  int replicas = 0;
  std::vector<std::string> sources;
  std::vector<std::string> mobile;
  WindowChoice window;
  DiffusionEstimate tracer;                ///< D*
  DiffusionEstimate collective;            ///< D_sigma
  Estimate haven_ratio;                    ///< D*/D_sigma = sigma_NE/sigma
  Estimate sigma, sigma_NE;                ///< S/cm
  std::optional<OnsagerMatrix> onsager{};  ///< of several mobile species
  std::optional<Estimate> sigma_GK{};      ///< S/cm, from velocities when the trajectory has them
  std::vector<SiteOccupancy> sites{};  ///< [type], where results of `haven transport structure` lie beside; not in the
                                       ///< JSON
  TransportChecks checks;
  TransportCurves curves;
  std::vector<AnalysisWarning> warnings;
  std::string refused;  ///< first refusal among D*, D_sigma, H_R; empty when all are determined
  std::uint64_t seed = 0;
};

/// Tracer and collective diffusion, Haven ratio and conductivity of one temperature from one or several replicas of the
/// same system. Never throws for too little data: what is not determined is refused inside the result, with a bound
/// where there is one.
/// @throws ConfigError (mobile species, charges or temperature missing), InputError (trajectories that cannot be used
/// or differ).
[[nodiscard]] TransportResult analyse_transport(std::vector<std::unique_ptr<TrajectorySource>> replicas,
                                                const TransportOptions& options, Log& log);
/// The same from tracks that are already in memory.
[[nodiscard]] TransportResult analyse_tracks(std::vector<IonTracks> replicas, const TransportOptions& options);

}  // namespace haven
