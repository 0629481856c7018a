#pragma once
#include <string>

namespace haven {

/// Relative standard error of a collective diffusion coefficient from one run with free intercept:
/// 1.55 sqrt(2 / (d n)), n = T_run / tau0 (measured on synthetic walks, see docs/transport.md).
[[nodiscard]] double collective_relative_error(double run_ps, double tau0_ps, int dimensions = 3);
/// Total length of runs that gives the relative error eps: 1.6 tau0 / eps^2 in three dimensions.
[[nodiscard]] double needed_run_ps(double tau0_ps, double relative_error, int dimensions = 3);
/// Onset of diffusion from D* and the hop length: the time a^2 / (2 d D*) to move by one squared hop length.
/// D* in cm^2/s, length in A, result in ps.
[[nodiscard]] double onset_from_diffusion_ps(double d_cm2_per_s, double hop_length, int dimensions = 3);
/// One-sided upper bound on the mean of a Poisson count (default 95 %); 3.0 when nothing was seen (rule of three).
[[nodiscard]] double poisson_upper_bound(long long count, double confidence = 0.95);
/// Relative error of a tracer D from the number of sampled hops, He, Zhu & Mo, npj Comput. Mater. 4, 18 (2018): 3.43 /
/// sqrt(n) + 0.04.
[[nodiscard]] double he_zhu_mo_relative_error(double effective_hops);
/// Relative error of a tracer D from how many of `ions` ions have jumped at least once, the quantity of Usler, Kemp,
/// Bonkowski & De Souza, J. Comput. Chem. 44, 1347 (2023): that of the mean over ions of one squared displacement when
/// jumps are independent. With n jumps of an ion on average, <r^4> / <r^2>^2 = 5/3 + 1/n, so the error is
/// sqrt((2/3 + 1/n) / ions) with n = -ln(1 - jumped / ions); sqrt(2/(3 ions)) when all have jumped. Infinite for none.
[[nodiscard]] double jumped_ions_relative_error(double ions, double jumped);
/// "1.8 ns", "640 ps": for messages.
[[nodiscard]] std::string format_time_ps(double ps);

}  // namespace haven
