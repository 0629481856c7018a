#pragma once
#include <string>

#include "potentials/model.hpp"

namespace haven {

/// What a person wants to know about a model, as lines of text.
[[nodiscard]] std::string model_text(const Model& model, const std::string& path);
/// The same and more, as JSON.
[[nodiscard]] std::string model_json(const Model& model, const std::string& path);

}  // namespace haven
