#pragma once
#include <string>
#include <vector>

#include "analysis/arrhenius.hpp"
#include "analysis/transport.hpp"
#include "app/config.hpp"
#include "app/md_campaign.hpp"
#include "io/import.hpp"
#include "md/options.hpp"
#include "md/replicas.hpp"
#include "training/training_api.hpp"

/// From the input file to the options of each module.
namespace haven {

[[nodiscard]] ImportOptions import_options(const Config& config);
[[nodiscard]] TrainOptions train_options(const Config& config);
[[nodiscard]] LadderOptions ladder_options(const Config& config);
/// Stages at 300 K; stages_at() replaces that temperature for each run of the ladder.
[[nodiscard]] MdOptions md_options(const Config& config);
[[nodiscard]] TransportOptions transport_options(const Config& config, double temperature);
[[nodiscard]] ArrheniusOptions arrhenius_options(const Config& config);
[[nodiscard]] Precision precision_of(const std::string& word);
[[nodiscard]] Device device_of(const std::string& word);
/// Atomic numbers of symbols that have been checked.
[[nodiscard]] std::vector<int> atomic_numbers(const std::vector<std::string>& symbols);
/// The structure to simulate, repeated. @throws InputError when it cannot be simulated (empty, a cell height below 2
/// A).
[[nodiscard]] Structure simulated_structure(const std::string& path, const std::array<std::int64_t, 3>& repetitions);

}  // namespace haven
