#pragma once
#include "analysis/transport.hpp"
#include "analysis/transport_curves.hpp"

namespace haven {

enum class Motion { tracer, collective };

/// D_ab = <dr_a dr_b> / 2 tau from fits along the axes and along their bisectors, on the lags of the window, and fits
/// along the principal axes. Errors of the tracer are measured over ions; those of the collective tensor are the ones
/// of a covariance matrix of as many independent displacements as the fit has:
/// Var(D_ab) = (D_aa D_bb + D_ab^2) / nu, nu = 2 / (relative error of D_aa)^2.
[[nodiscard]] DiffusionTensor diffusion_tensor(const ReplicaCurves& curves, const LagRange& window, Motion motion,
                                               double interval_ps, double max_relative_error);

/// The tensor with standard errors `factor` times as large.
[[nodiscard]] DiffusionTensor widened(DiffusionTensor tensor, double factor);

/// Conductivity matrix of several mobile species and their own D*. `factor` turns a slope of the squared charge
/// displacement (e^2 A^2 per frame) into S/cm.
/// @param species  symbol and charge of each; every one has ions
[[nodiscard]] OnsagerMatrix onsager_matrix(const ReplicaCurves& curves, const LagRange& window, const FitShape& shape,
                                           std::vector<SpeciesTransport> species, double factor, double interval_ps);

}  // namespace haven
