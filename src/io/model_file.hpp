#pragma once
#include <string>

#include "core/log.hpp"
#include "io/file_system.hpp"
#include "potentials/model.hpp"

namespace haven {

/// SHA-256 of what determines energies and forces: everything in the model but `provenance`. Checkpoints and
/// trajectories carry it.
[[nodiscard]] std::string model_hash(const Model& model);
/// SHA-256 of the whole model, `provenance` included; stored in the file as `payload_sha256`.
[[nodiscard]] std::string model_payload_hash(const Model& model);

/// Writes the model file (HDF5, suffix .haven, layout: docs/formats.md), in place of an old one at once. Equal models
/// make equal files. @throws ModelError for a model that could not be read back (names, sizes, non-finite), IoError.
void write_model(FileSystem& files, const std::string& path, const Model& model);
void write_model(const std::string& path, const Model& model);

/// Reads a model file as data: only known objects of known type, shape and bounded size, no links, filters,
/// variable-length or external data, all numbers finite, checksum verified. Parameter names are checked by the lowering
/// of `kind`. A newer minor version warns on `log`.
/// @throws ModelError for anything unexpected, IoError when the file cannot be read.
[[nodiscard]] Model read_model(const std::string& path, Log* log = nullptr);

}  // namespace haven
