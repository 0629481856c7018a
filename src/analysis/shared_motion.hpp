#pragma once
#include <span>
#include <vector>

#include "analysis/displacements.hpp"

namespace haven {

/// Factor >= 1 on the standard error of D* for motion that ions share.
///
/// The scatter over ions misses the covariance of the squared displacements of different ions, which for Gaussian
/// displacements is 2 |C_ij|^2, C_ij = <dr_i dr_j^T>. The variance of the mean over ions is therefore larger by
///
///   1 + sum_{i != j} w_i w_j |C_ij|^2 / sum_i w_i^2 |C_ii|^2.
///
/// C_ij is measured over consecutive displacements of `lag` frames; what |C_ij|^2 holds by chance, v_i v_j / n for n
/// displacements, is subtracted, so that ions that share nothing give 1 within 2/n. Strings of a few neighbours, pairs,
/// and a common motion of all are all seen: no picture of the motion is assumed.
///
/// @param weights  one per ion with mean 1; empty: all 1
/// @param lag      frames; diffusive, at most half the shortest run
/// Among many ions the sum over i is a sample (at least 64 of them), that over j is complete.
[[nodiscard]] double shared_motion_factor(const std::vector<IonTracks>& replicas, std::span<const double> weights,
                                          Index lag);

}  // namespace haven
