#pragma once
#include <memory>
#include <string>
#include <vector>

#include "potentials/descriptor.hpp"
#include "potentials/model.hpp"
#include "potentials/potential.hpp"

namespace haven {

/// Instruction sets the vectorised driver is compiled for. `automatic` takes the best one of the machine; results are
/// bitwise reproducible only within one of the others.
enum class Isa { automatic, baseline, sse4, avx2, avx512 };

/// Instruction sets this machine can run, the best first. `baseline` is always among them.
[[nodiscard]] std::vector<Isa> available_isas();
[[nodiscard]] std::string isa_name(Isa isa);

/// The vectorised evaluator. @throws ModelError for an inconsistent model; ResourceError when the machine lacks `isa`.
[[nodiscard]] std::unique_ptr<Potential> make_vectorised_potential(const Model& model, Precision precision,
                                                                   Isa isa = Isa::automatic);
/// The same for a descriptor other than that of the model's kind: only elements, networks and distances are taken from
/// the model.
[[nodiscard]] std::unique_ptr<Potential> make_vectorised_potential(const Descriptor& descriptor, const Model& model,
                                                                   Precision precision, Isa isa = Isa::automatic);

}  // namespace haven
