#pragma once
#include <string>
#include <vector>

#include "potentials/model.hpp"

/// Checked access to Model::parameters. Every function throws ModelError naming the parameter.
namespace haven {

/// Shape with -1 for "any length of at least one"; -2 for "any length, also none".
using Shape = std::vector<Index>;

/// The parameter, with the shape asked for and only finite numbers.
[[nodiscard]] const Array& parameter(const Model& model, const std::string& name, const Shape& shape);
/// A single number in [low, high].
[[nodiscard]] double number_parameter(const Model& model, const std::string& name, double low, double high);
/// A single integer in [low, high].
[[nodiscard]] int integer_parameter(const Model& model, const std::string& name, int low, int high);
/// `value` as an integer in [low, high]; `name` is for the message.
[[nodiscard]] int checked_integer(double value, const std::string& name, int low, int high);
/// Refuses names the lowering does not know.
void refuse_other_parameters(const Model& model, const std::vector<std::string>& known);
/// Refuses a cut-off that is not a positive finite number, and a model without elements.
void check_frame(const Model& model);

[[nodiscard]] Array scalar_array(double value);
[[noreturn]] void refuse_parameter(const std::string& name, const std::string& what);

}  // namespace haven
