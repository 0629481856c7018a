#include "training/prepare.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "io/sha256.hpp"
#include "training/kronecker_basis.hpp"

namespace haven::training {

void check_options(const TrainOptions& o) {
  const auto require = [](bool good, const char* key, const char* remedy) {
    if (!good) throw ConfigError("the value is out of range", key, remedy);
  };
  require(o.batch_atoms >= 1 && o.batch_frames >= 1, "train.batch_atoms", "Use at least one atom and one frame.");
  require(o.max_epochs >= 1, "train.max_epochs", "Use at least 1.");
  require(o.max_minutes >= 0, "train.max_minutes", "Use 0 (no limit) or a positive number.");
  require(o.learning_rate_start > 0 && o.learning_rate_end > 0 && o.learning_rate_end <= o.learning_rate_start,
          "train.learning_rate", "Both are positive, and the end is not above the start.");
  require(o.average_decay >= 0 && o.average_decay < 1, "train.average_decay", "Choose a value in [0, 1).");
  require(o.weight_decay >= 0, "train.weight_decay", "Use 0 or a positive number.");
  require(o.robust >= 0, "train.robust", "Use 0 (off) or a positive number.");
  require(o.final_fit_rows >= 0, "train.final_fit", "Use 0 (none) or a positive number.");
  require(o.polish_iterations >= 0, "train.polish", "Use 0 (none) or a positive number.");
  require(o.warm_up_steps >= 0 && o.patience >= 0, "train", "Steps and epochs are not negative.");
  require(o.shards >= 1 && o.shards <= 4096, "train.shards", "Choose a value between 1 and 4096.");
  require(o.threads >= 0 && o.threads <= 1024, "train.threads", "Use 0 (automatic) or up to 1024.");
  require(o.valid_fraction >= 0 && o.test_fraction >= 0 && o.valid_fraction + o.test_fraction < 1, "data.split",
          "Fractions are not negative and leave frames to train on.");
  require(o.repulsion == "none" || o.repulsion == "zbl", "model.repulsion", "Choose none or zbl.");
  for (const Index width : o.hidden_layers)
    require(width >= 1 && width <= 4096, "model.hidden_layers", "Choose widths between 1 and 4096.");
  const LossWeights& w = o.loss;
  if (w.balance == LossWeights::Balance::given)
    require(w.energy >= 0 && w.energy_start >= 0 && w.force >= 0 && w.stress >= 0 && w.energy + w.force > 0,
            "train.loss", "Weights are not negative, and energy or force is above 0.");
}

std::vector<Index> hidden_layers(const TrainOptions& options) {
  if (!options.hidden_layers.empty()) return options.hidden_layers;
  const std::string& preset = options.descriptor.preset;
  const Index width = preset == "fast" ? 32 : preset == "accurate" ? 96 : 64;
  return {width, width};
}

ParameterLayout trainable_layout(const Descriptor& descriptor, const TrainOptions& options) {
  constexpr Index narrowest = 4;
  std::vector<Index> hidden = hidden_layers(options);
  const bool path =
      carries_linear_path(options.activation) && *std::min_element(hidden.begin(), hidden.end()) >= narrowest;
  for (Index& width : hidden) width -= path ? linear_path_units : 0;
  ParameterLayout layout = make_parameter_layout(descriptor, hidden, options.activation);
  if (path) add_linear_path(layout);
  return layout;
}

Normalisation plain_normalisation(const Descriptor& descriptor) {
  Normalisation result;
  for (const CentreDescriptor& centre : descriptor.centres) {
    const auto n = static_cast<std::size_t>(centre.features());
    result.elements.push_back({.shift = std::vector<double>(n, 0.0), .scale = std::vector<double>(n, 1.0)});
  }
  return result;
}

std::vector<int> feature_degrees(const CentreDescriptor& centre) {
  if (centre.feature_map.rows > 0) return std::vector<int>(static_cast<std::size_t>(centre.features()), 0);
  std::vector<int> degrees;
  for (const BasisTerm& term : centre.terms) degrees.push_back(term.degree);
  for (const ProductTerm& term : centre.products) degrees.push_back(term.front().degree);
  return degrees;
}

void set_feature_statistics(const std::vector<FeatureSample>& samples, const std::vector<std::vector<int>>& degrees,
                            Normalisation& normalisation) {
  constexpr double floor = 1e-3, absolute_floor = 1e-8;
  for (std::size_t a = 0; a < samples.size(); ++a) {
    const FeatureSample& sample = samples[a];
    HAVEN_ASSERT(static_cast<Index>(degrees[a].size()) == sample.features);
    const auto n = static_cast<double>(sample.atoms);
    std::vector<double> deviation;
    std::map<int, double> largest;  // by degree
    for (Index g = 0; g < sample.features; ++g) {
      const double* row = sample.values.data() + g * sample.atoms;
      double mean = 0, squares = 0;
      for (Index i = 0; i < sample.atoms; ++i) mean += row[i] / n;
      for (Index i = 0; i < sample.atoms; ++i) squares += (row[i] - mean) * (row[i] - mean) / n;
      normalisation.elements[a].shift[static_cast<std::size_t>(g)] = mean;
      deviation.push_back(std::sqrt(squares));
      double& top = largest[degrees[a][static_cast<std::size_t>(g)]];
      top = std::max(top, deviation.back());
    }
    for (std::size_t g = 0; g < deviation.size(); ++g) {
      const double top = largest[degrees[a][g]];
      // All atoms of the element look alike (one frame of a perfect crystal): there is no spread to measure.
      const bool measured = top > absolute_floor;
      normalisation.elements[a].scale[g] = measured ? 1.0 / std::sqrt(std::max(deviation[g], floor * top) * top) : 1.0;
    }
  }
}

template <class T>
std::vector<int> statistics_frames(const TrainingData<T>& data, std::span<const int> train, Index atoms,
                                   std::uint64_t seed) {
  constexpr Index frames_per_element = 8;
  std::vector<int> chosen;
  Index chosen_atoms = 0;
  std::vector<Index> seen;
  for (const int k :
       random_order(train.size(), seed, static_cast<std::uint32_t>(Stream::batch_order), ~std::uint64_t{0})) {
    const int frame = train[static_cast<std::size_t>(k)];
    const auto counts = data.counts(std::span(&frame, 1)).front();
    seen.resize(counts.size(), 0);
    bool rare = false;
    for (std::size_t a = 0; a < counts.size(); ++a) rare = rare || (counts[a] > 0 && seen[a] < frames_per_element);
    if (chosen_atoms >= atoms && !rare) continue;
    for (std::size_t a = 0; a < counts.size(); ++a) seen[a] += counts[a] > 0 ? 1 : 0;
    chosen_atoms += data.atoms(frame);
    chosen.push_back(frame);
  }
  return chosen;
}

namespace {

/// Share of the stress in the automatic balance: full where strained structures show that the labels are the derivative
/// of the energies, next to nothing where they show that they are not, in between where nothing is known.
double stress_share(const StressCheck& stresses) {
  constexpr double consistent = 0.1, unknown = 0.01, contradictory = 0.001;
  if (!stresses.decided()) return unknown;
  return stresses.contradictory() ? contradictory : consistent;
}

}  // namespace

LossSchedule loss_schedule(const LossWeights& weights, const LabelStatistics& labels, const StressCheck& stresses) {
  LossSchedule schedule;
  if (weights.balance == LossWeights::Balance::given) {
    schedule.end = {.energy = weights.energy, .force = weights.force, .stress = weights.stress};
    schedule.start = schedule.end;
    if (weights.energy_start > 0) schedule.start.energy = weights.energy_start;
    return schedule;
  }
  // Labels that hardly vary must not get unbounded weights: floors of (1 meV/atom)^2 and (10 meV/A)^2.
  constexpr double energy_floor = 1e-6, force_floor = 1e-4;
  constexpr double energy_start = 0.02, energy_end = 1.0, longest = 0.2;  // A
  const double force = std::max(labels.force, force_floor);
  const double energy = labels.force > 0 ? std::min(labels.energy, longest * longest * force) : labels.energy;
  schedule.end = {.energy = energy_end / std::max(energy, energy_floor),
                  .force = 1.0 / force,
                  .stress = stress_share(stresses) / std::max(labels.virial, energy_floor)};
  schedule.start = schedule.end;
  schedule.start.energy *= energy_start / energy_end;
  return schedule;
}

std::string training_identity(const TrainOptions& o, std::span<const Frame> frames, std::span<const Part> parts) {
  Sha256 hash;
  hash.add(o.descriptor.kind).add(o.descriptor.preset).add(o.descriptor.cutoff).add(o.repulsion);
  hash.add(std::span<const int>(o.elements)).add(std::span<const std::int64_t>(o.hidden_layers));
  hash.add(static_cast<std::int64_t>(o.activation)).add(static_cast<std::int64_t>(o.seed));
  hash.add(std::int64_t{o.batch_atoms}).add(std::int64_t{o.batch_frames}).add(std::int64_t{o.shards});
  hash.add(o.learning_rate_start).add(o.learning_rate_end).add(static_cast<std::int64_t>(o.schedule));
  hash.add(std::int64_t{o.polish_iterations})
      .add(std::int64_t{o.warm_up_steps})
      .add(std::int64_t{o.final_fit_rows})
      .add(o.weight_decay)
      .add(o.average_decay)
      .add(o.gradient_clip);
  hash.add(static_cast<std::int64_t>(o.loss.balance)).add(o.loss.energy_start).add(o.loss.energy);
  hash.add(o.loss.force).add(o.loss.stress).add(o.robust).add(static_cast<std::int64_t>(o.precision));
  for (std::size_t f = 0; f < frames.size(); ++f) {
    const Frame& frame = frames[f];
    hash.add(static_cast<std::int64_t>(parts[f])).add(frame.structure.cell.vectors()).add(frame.weight);
    hash.add(std::span<const int>(frame.structure.numbers)).add(std::span<const Vec3>(frame.structure.positions));
    hash.add(std::span<const Vec3>(frame.forces)).add(frame.energy.value_or(0.0)).add(frame.stress.value_or(Mat3{}));
  }
  return hash.hex();
}

template <class T>
MemoryEstimate estimate_memory(const TrainingData<T>& data, const TrainingProgram<T>& program,
                               const TrainOptions& options, int threads) {
  MemoryEstimate memory;
  memory.edges = data.estimate_edge_bytes();
  memory.parameters =
      static_cast<double>(program.layout.size) * (6 * sizeof(double) + (1.0 + options.shards) * sizeof(T));
  for (const MatrixBlock& block : matrix_blocks(program.layout)) memory.parameters += KroneckerBasis::bytes(block);
  Index largest_frame = 0;
  for (int f = 0; f < data.size(); ++f) largest_frame = std::max(largest_frame, data.atoms(f));
  const double batch =
      std::max(static_cast<double>(options.batch_atoms), static_cast<double>(largest_frame * options.batch_frames));
  const double shard_atoms = std::max(static_cast<double>(largest_frame), batch / options.shards);
  double per_atom =
      0;  // values kept per centre: M, G and its tangent; A four times; terms six times; layers eight times
  for (std::size_t a = 0; a < program.elements.size(); ++a) {
    const CentreLayout& layout = program.elements[a].edges.layout;
    double values =
        3.0 * static_cast<double>(layout.rows) + 4.0 * static_cast<double>(layout.mixed_rows) +
        6.0 * static_cast<double>(layout.terms.terms.size() + static_cast<std::size_t>(program.elements[a].features));
    for (const LayerSlice& layer : program.layout.elements[a].layers)
      values += 8.0 * static_cast<double>(layer.outputs);
    per_atom = std::max(per_atom, values);
  }
  memory.work = per_atom * shard_atoms * sizeof(T) * threads;
  const long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0) memory.available = static_cast<double>(pages) * static_cast<double>(page);
  return memory;
}

template std::vector<int> statistics_frames(const TrainingData<float>&, std::span<const int>, Index, std::uint64_t);
template std::vector<int> statistics_frames(const TrainingData<double>&, std::span<const int>, Index, std::uint64_t);
template MemoryEstimate estimate_memory(const TrainingData<float>&, const TrainingProgram<float>&, const TrainOptions&,
                                        int);
template MemoryEstimate estimate_memory(const TrainingData<double>&, const TrainingProgram<double>&,
                                        const TrainOptions&, int);

}  // namespace haven::training
