#pragma once
#include <span>
#include <string>
#include <vector>

#include "potentials/model.hpp"

namespace haven {

/// One committee of models that have the same descriptor and differ in their networks, feature scaling and reference
/// energies: it costs one pass over the neighbours instead of one per model. Scalings and reference energies that
/// differ are folded into the networks, so that each member says what its model said, to rounding. Members of models
/// that are committees join one by one. The training range is the union of those of the models (unknown when one is
/// unknown), the minimum distance the smallest; the provenance is that of the first model.
/// @param names  of the models, for errors; none: they are numbered
/// @throws ModelError naming the first model that does not fit, and in what
[[nodiscard]] Model merge_committee(std::span<const Model> models, std::span<const std::string> names = {});

/// As few models as can say the same: those that fit together become one committee, at the place of the first of them.
[[nodiscard]] std::vector<Model> merge_what_fits(std::vector<Model> models);

}  // namespace haven
