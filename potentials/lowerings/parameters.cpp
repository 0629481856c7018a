#include "potentials/lowerings/parameters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace haven {

void refuse_parameter(const std::string& name, const std::string& what) {
  throw ModelError(what, fmt::format("parameters/{}", name),
                   "The model file is damaged or was written by another version; train or convert it again.");
}

const Array& parameter(const Model& model, const std::string& name, const Shape& shape) {
  const auto found = model.parameters.find(name);
  if (found == model.parameters.end())
    refuse_parameter(name, fmt::format("a {} model needs this parameter", model.kind));
  const Array& array = found->second;
  bool fits = array.shape.size() == shape.size();
  Index size = 1;
  for (std::size_t k = 0; fits && k < shape.size(); ++k) {
    const Index n = array.shape[k];
    fits = n >= 0 && n < (Index{1} << 24) && (shape[k] == -2 || (shape[k] == -1 ? n >= 1 : n == shape[k]));
    size *= n;
  }
  if (!fits) refuse_parameter(name, fmt::format("its shape is {}, expected {} (-1, -2: free)", array.shape, shape));
  if (static_cast<Index>(array.values.size()) != size)
    refuse_parameter(name, fmt::format("it holds {} numbers for the shape {}", array.values.size(), array.shape));
  if (!std::all_of(array.values.begin(), array.values.end(), [](double v) { return std::isfinite(v); }))
    refuse_parameter(name, "a number is not finite");
  return array;
}

double number_parameter(const Model& model, const std::string& name, double low, double high) {
  const double value = parameter(model, name, {1}).values[0];
  if (!(value >= low && value <= high)) refuse_parameter(name, fmt::format("{} is outside {} to {}", value, low, high));
  return value;
}

int checked_integer(double value, const std::string& name, int low, int high) {
  if (!(value >= low && value <= high) || value != std::floor(value))
    refuse_parameter(name, fmt::format("{} is not an integer in {} to {}", value, low, high));
  return static_cast<int>(value);
}

int integer_parameter(const Model& model, const std::string& name, int low, int high) {
  return checked_integer(parameter(model, name, {1}).values[0], name, low, high);
}

void refuse_other_parameters(const Model& model, const std::vector<std::string>& known) {
  for (const auto& [name, array] : model.parameters)
    if (std::find(known.begin(), known.end(), name) == known.end())
      refuse_parameter(name, fmt::format("a {} model has no such parameter", model.kind));
}

void check_frame(const Model& model) {
  if (!(model.cutoff > 0 && std::isfinite(model.cutoff)))
    throw ModelError(fmt::format("the cut-off is {} A", model.cutoff), "cutoff", "It has to be a positive number.");
  if (model.elements.empty())
    throw ModelError("the model has no elements", "elements", "Train or convert the model again.");
}

Array scalar_array(double value) { return {.shape = {1}, .values = {value}}; }

}  // namespace haven
