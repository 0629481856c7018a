#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/file_system.hpp"
#include "io/model_file.hpp"
#include "io/sha256.hpp"
#include "training/blas_memory.hpp"
#include "training/embedding.hpp"
#include "training/final_fit.hpp"
#include "training/learning_curve.hpp"
#include "training/prepare.hpp"
#include "training/reference_energies.hpp"
#include "training/team.hpp"
#include "training/trainer.hpp"
#include "training/training_api.hpp"
#include "training/verify.hpp"

namespace haven {
namespace training {
namespace {

constexpr Index statistics_atoms = 20000;
constexpr std::size_t verified_frames = 32;

std::string output_path(const TrainRequest& request, const char* name) {
  return request.folder.empty() ? "" : request.folder + "/" + request.prefix + name;
}

void write_split(const TrainRequest& request, std::span<const Part> parts) {
  const std::string path = output_path(request, "split.csv");
  if (path.empty() || !request.group->is_root()) return;
  std::string text = "frame,source,part\n";
  constexpr const char* names[] = {"train", "valid", "test"};
  for (std::size_t f = 0; f < parts.size(); ++f)
    text += fmt::format("{},{},{}\n", f, frame_name(request.frames, static_cast<Index>(f)),
                        names[static_cast<std::size_t>(parts[f])]);
  PosixFileSystem files;
  write_file_atomically(files, path, text);
}

/// Fits the reference energies to the training frames that have an energy.
template <class T>
std::vector<double> reference_energies(const TrainRequest& request, const TrainingData<T>& data,
                                       std::span<const int> train, const std::vector<int>& elements) {
  std::vector<int> labelled;
  std::vector<double> energies;
  for (const int f : train)
    if (const auto& energy = request.frames[static_cast<std::size_t>(f)].energy) {
      labelled.push_back(f);
      energies.push_back(*energy);
    }
  if (labelled.empty()) return std::vector<double>(elements.size(), 0.0);
  const ReferenceEnergies fit = fit_reference_energies(data.counts(labelled), energies);
  std::string text = "reference energies (eV):";
  for (std::size_t a = 0; a < elements.size(); ++a)
    text += fmt::format(" {} {:.4f}", element_symbol(elements[a]), fit.values[a]);
  request.log->info(fmt::format("{}; {:.1f} meV/atom rms left", text, 1e3 * fit.residual));
  if (!fit.determined)
    request.log->info(
        "the compositions do not determine every element's reference energy; differences that they leave open are kept "
        "small");
  return fit.values;
}

double energy_scale(const LabelStatistics& labels) {
  // A force of the typical size over 1 A, or the spread of the energies.
  const double natural = labels.force > 0 ? std::sqrt(labels.force) : std::sqrt(labels.energy);
  return std::clamp(natural, 0.02, 5.0);
}

void report_memory(const TrainRequest& request, const MemoryEstimate& memory, double granted) {
  constexpr double mib = 1024.0 * 1024.0;
  request.log->info(fmt::format(
      "memory: {:.0f} MiB neighbours{}, {:.0f} MiB parameters, {:.0f} MiB work; {:.0f} MiB free", memory.edges / mib,
      memory.edges > granted ? fmt::format(" (keeping {:.0f}, finding the rest anew)", granted / mib) : "",
      memory.parameters / mib, memory.work / mib, memory.available / mib));
  const double needed = memory.parameters + memory.work;
  if (memory.available > 0 && needed > memory.available)
    throw ResourceError(fmt::format("training needs {:.0f} MiB besides the neighbours, {:.0f} MiB are free",
                                    needed / mib, memory.available / mib),
                        "memory", "Use a smaller preset, smaller batches (train.batch_atoms) or fewer threads.");
}

/// A model without anything that training decides.
Model untrained(Model model) {
  for (ModelElement& element : model.elements) {
    element.network.layers.clear();
    element.committee.clear();
    element.feature_min.clear();
    element.feature_max.clear();
  }
  model.provenance.clear();
  return model;
}

/// The model that training begins with.
Model first_model(const TrainRequest& request, const std::vector<int>& elements) {
  const TrainOptions& options = request.options;
  if (request.share == nullptr) return new_model_for(options.descriptor, elements, request.frames, options.seed);
  const Model& share = *request.share;
  const bool same = std::equal(elements.begin(), elements.end(), share.elements.begin(), share.elements.end(),
                               [](int number, const ModelElement& element) { return number == element.number; });
  if (!same || share.kind != options.descriptor.kind || share.cutoff != options.descriptor.cutoff)
    throw ModelError("the model whose descriptor is to be shared has another kind, cut-off or list of elements",
                     "training", "Members of a committee are trained on one data set with the same [model].");
  return untrained(share);
}

/// What a shared descriptor is: nothing of it is trained.
Descriptor first_descriptor(const TrainRequest& request, const Model& model) {
  Descriptor descriptor = describe(model);
  if (request.share != nullptr) descriptor.mixing_is_trainable = false;
  return descriptor;
}

/// Everything between the checked request and the result.
template <class T>
class Session {
 public:
  Session(const TrainRequest& request, std::vector<Part> parts, std::vector<int> elements)
      : request_(request),
        parts_(std::move(parts)),
        elements_(std::move(elements)),
        model_(first_model(request, elements_)),
        descriptor_(first_descriptor(request, model_)),
        layout_(trainable_layout(descriptor_, request.options)),
        embedding_(request.share != nullptr ? std::nullopt : make_embedding_map(model_, layout_)),
        data_(request.frames, parts_, elements_, descriptor_.cutoff),
        train_(data_.members(Part::train)),
        valid_(data_.members(Part::valid)) {}

  TrainResult run() {
    const std::vector<double> reference = reference_energies(request_, data_, train_, elements_);
    data_.set_reference_energies(reference);
    const LabelStatistics labels = data_.statistics(train_);
    const int threads = request_.options.threads > 0 ? request_.options.threads : default_threads(*request_.group);
    take_blas_buffers(threads);
    std::vector<double> initial = initial_parameters(layout_, descriptor_, request_.options.seed);
    Optimiser optimiser(embedding_ ? embedding_->initial(model_, initial) : std::move(initial),
                        matrix_blocks(trained_layout()));
    normalise(optimiser.parameters, labels, reference, threads);

    const TrainingProgram<T> program(descriptor_, layout_, normalisation_, RadialMode::table);
    const MemoryEstimate memory = estimate_memory(data_, program, request_.options, threads);
    data_.set_memory(granted_memory(memory));
    report_memory(request_, memory, granted_memory(memory));
    Team<T> team(program, data_, *request_.group, threads, embedding());
    TrainingState state;
    state.optimiser = std::move(optimiser);
    TrainingPlan plan = make_plan(labels, state);
    if (state.smallest_distance == 0) state.smallest_distance = smallest_distance(team);
    introduce(team.threads(), state);
    Trainer<T> trainer(request_, std::move(plan), team, data_, state);
    const TrainingEnd end = trainer.fit_best(trainer.polish_best(trainer.run()));
    return make_result(end, trainer.stop_reason(), state, team);
  }

 private:
  void normalise(std::span<const double> parameters, const LabelStatistics& labels,
                 const std::vector<double>& reference, int threads) {
    normalisation_ = plain_normalisation(descriptor_);
    normalisation_.energy_scale = energy_scale(labels);
    for (std::size_t a = 0; a < reference.size(); ++a) normalisation_.elements[a].reference_energy = reference[a];
    if (request_.share != nullptr) {
      for (std::size_t a = 0; a < model_.elements.size(); ++a) {
        normalisation_.elements[a].shift = model_.elements[a].feature_shift;
        normalisation_.elements[a].scale = model_.elements[a].feature_scale;
      }
      return;
    }
    const TrainingProgram<T> plain(descriptor_, layout_, normalisation_, RadialMode::table);
    Team<T> team(plain, data_, *request_.group, threads, embedding());
    const auto frames = statistics_frames(data_, train_, statistics_atoms, request_.options.seed);
    std::vector<std::vector<int>> degrees;
    for (const CentreDescriptor& centre : descriptor_.centres) degrees.push_back(feature_degrees(centre));
    set_feature_statistics(team.features(frames, parameters, std::numeric_limits<Index>::max()), degrees,
                           normalisation_);
  }

  [[nodiscard]] std::string identity() const {
    const std::string own = training_identity(request_.options, request_.frames, parts_);
    return request_.share == nullptr ? own : Sha256().add(own).add(model_hash(*request_.share)).hex();
  }
  [[nodiscard]] const EmbeddingMap* embedding() const { return embedding_ ? &*embedding_ : nullptr; }
  /// Of what the optimiser moves.
  [[nodiscard]] const ParameterLayout& trained_layout() const { return embedding_ ? embedding_->trained() : layout_; }

  [[nodiscard]] double granted_memory(const MemoryEstimate& memory) const {
    constexpr double gib = 1024.0 * 1024.0 * 1024.0;
    if (request_.options.memory_gib > 0) return request_.options.memory_gib * gib;
    return memory.available > 0 ? 0.5 * memory.available / request_.group->size() : gib;
  }

  TrainingPlan make_plan(const LabelStatistics& labels, TrainingState& state) {
    TrainingPlan plan;
    plan.train = train_;
    plan.valid = valid_;
    const LossSchedule schedule = loss_schedule(request_.options.loss, labels, checked_stresses());
    plan.start = schedule.start;
    plan.end = schedule.end;
    plan.start.robust = plan.end.robust = request_.options.robust;
    plan.decay = decay_mask(trained_layout());
    plan.linear_parameters = linear_parameters(trained_layout());
    plan.exact = [this](std::span<const double> parameters) {
      constexpr double margin = 0.3;  // of the limits that the finished model must meet on more frames
      Model model = model_;
      export_parameters(trained_layout(), parameters, normalisation_, model);
      model.minimum_distance = 0;
      model.repulsion = "none";
      const std::vector<double> expanded = expanded_parameters(parameters);
      const TrainerSide side{descriptor_, layout_, expanded, normalisation_};
      return within_limits(compare_with_engine(side, model, verified_structures()), margin);
    };
    plan.identity = identity();
    plan.checkpoint = output_path(request_, "checkpoint.train");
    plan.curve = output_path(request_, "lcurve.csv");
    if (request_.start == TrainRequest::Start::resume && !plan.checkpoint.empty()) {
      PosixFileSystem files;
      if (auto found = read_training_state(files, plan.checkpoint, plan.identity)) state = std::move(*found);
    }
    request_.group->barrier();  // every rank has read the checkpoint before root may replace it
    if (request_.group->is_root()) start_curve(plan.curve, state.epoch);
    return plan;
  }

  /// What strained structures say about the stresses, for the log and the balance.
  StressCheck checked_stresses() const {
    const StressCheck check = check_stresses(request_.frames, train_);
    const double gpa = units::ev_per_a3_in_gpa;
    if (check.contradictory())
      request_.log->warn(
          "TN002", fmt::format("the stresses contradict the energies: along the strains of {} pairs of structures "
                               "the derivative of the energy differs from the stress by {:.2f} GPa rms ({:+.2f} "
                               "GPa of pressure-like stress for all); no potential can follow both. {}",
                               check.pairs, gpa * check.mismatch, gpa * check.offset,
                               request_.options.loss.balance == LossWeights::Balance::automatic
                                   ? "The stress gets hardly any weight."
                                   : "Consider a smaller weight of the stress."));
    else if (check.decided())
      request_.log->info(
          fmt::format("stresses are the derivative of the energies within {:.2f} GPa ({} pairs of "
                      "strained structures)",
                      gpa * check.mismatch, check.pairs));
    return check;
  }

  double smallest_distance(Team<T>& team) {
    std::vector<int> both(train_);
    both.insert(both.end(), valid_.begin(), valid_.end());
    return team.smallest_distance(both);
  }

  void introduce(int threads, const TrainingState& state) const {
    request_.log->info(fmt::format(
        "training {} ({}): {} frames, {} for validation; {} parameters, {} features per atom; {} rank{} x {} thread{}, "
        "{}",
        model_.kind, request_.options.descriptor.preset, train_.size(), valid_.size(), trained_layout().size,
        descriptor_.centres.front().features(), request_.group->size(), request_.group->size() > 1 ? "s" : "", threads,
        threads > 1 ? "s" : "", std::is_same_v<T, float> ? "mixed precision" : "double precision"));
    if (state.epoch > 0 || state.batch > 0)
      request_.log->info(fmt::format("continuing at epoch {}, batch {} after {:.1f} min", state.epoch + 1,
                                     state.batch + 1, state.minutes));
    if (request_.group->size() * threads > request_.options.shards)
      request_.log->warn("TN001", fmt::format("{} threads in all share {} shards; the rest is idle. More shards "
                                              "(train.shards) use them, with other rounding.",
                                              request_.group->size() * threads, request_.options.shards));
  }

  TrainResult make_result(TrainingEnd end, const std::string& stop_reason, const TrainingState& state, Team<T>& team) {
    TrainResult result;
    result.status = end == TrainingEnd::stopped ? TrainResult::Status::checkpointed : TrainResult::Status::finished;
    switch (end) {
      case TrainingEnd::stopped:
        result.reason = stop_reason;
        break;
      case TrainingEnd::epochs_used:
        result.reason = fmt::format("{} epochs are done", state.epoch);
        break;
      case TrainingEnd::time_used:
        result.reason = fmt::format("the {} minutes are used up", request_.options.max_minutes);
        break;
      case TrainingEnd::no_improvement:
        result.reason = fmt::format("no improvement in {} epochs", request_.options.patience);
        break;
    }
    result.epochs = state.epoch;
    result.best_epoch = state.best.epoch;
    result.train = state.best.train;
    result.valid = state.best.valid;
    result.parts = parts_;
    result.minutes = state.minutes;
    if (state.best.epoch > 0) result.model = finished_model(state, team);
    return result;
  }

  Model finished_model(const TrainingState& state, Team<T>& team) {
    Model model = model_;
    const std::span<const double> parameters = state.best.parameters;
    export_parameters(trained_layout(), parameters, normalisation_, model);
    const double nearest = state.smallest_distance;
    model.minimum_distance = std::isfinite(nearest) && nearest < model.cutoff ? nearest : 0.0;
    model.repulsion = model.minimum_distance > 0 ? request_.options.repulsion : "none";
    set_ranges(team.feature_ranges(train_, parameters), model);
    model.provenance["best_epoch"] = fmt::format("{}", state.best.epoch);
    model.provenance["training_identity"] = identity();
    model.provenance["seed"] = fmt::format("{}", request_.options.seed);
    const std::vector<double> expanded = expanded_parameters(parameters);
    verify_with_engine({descriptor_, layout_, expanded, normalisation_}, model, verified_structures());
    return model;
  }

  [[nodiscard]] std::vector<const Structure*> verified_structures() const {
    std::vector<const Structure*> structures;
    const std::vector<int>& checked = valid_.empty() ? train_ : valid_;
    const std::size_t stride = std::max<std::size_t>(1, checked.size() / verified_frames);
    for (std::size_t k = 0; k < checked.size() && structures.size() < verified_frames; k += stride)
      structures.push_back(&request_.frames[static_cast<std::size_t>(checked[k])].structure);
    return structures;
  }

  /// Of the evaluators.
  [[nodiscard]] std::vector<double> expanded_parameters(std::span<const double> parameters) const {
    std::vector<double> expanded(parameters.begin(), parameters.end());
    if (embedding_) {
      expanded.resize(static_cast<std::size_t>(layout_.size));
      embedding_->expand(parameters, expanded);
    }
    return expanded;
  }

  /// Ranges are of the normalised features in working precision; the model holds plain ones with room for rounding.
  void set_ranges(const typename Team<T>::Ranges& ranges, Model& model) const {
    constexpr double slack = 1e-5;
    for (std::size_t a = 0; a < model.elements.size(); ++a) {
      ModelElement& element = model.elements[a];
      for (std::size_t g = 0; g < element.feature_shift.size(); ++g) {
        const double low = ranges.smallest[a][g], high = ranges.largest[a][g];
        const double room = slack * (1 + std::abs(low) + std::abs(high));
        element.feature_min.push_back(element.feature_shift[g] + (low - room) / element.feature_scale[g]);
        element.feature_max.push_back(element.feature_shift[g] + (high + room) / element.feature_scale[g]);
      }
    }
  }

  const TrainRequest& request_;
  const std::vector<Part> parts_;
  const std::vector<int> elements_;
  const Model model_;
  const Descriptor descriptor_;
  const ParameterLayout layout_;
  const std::optional<EmbeddingMap> embedding_;
  Normalisation normalisation_;
  TrainingData<T> data_;
  const std::vector<int> train_, valid_;
};

}  // namespace
}  // namespace training

TrainResult train(const TrainRequest& request) {
  HAVEN_ASSERT(request.group != nullptr && request.log != nullptr);
  const TrainOptions& options = request.options;
  training::check_options(options);
  if (request.frames.empty()) throw InputError("there are no frames", "training data", "Import calculations first.");
  std::vector<int> elements = options.elements.empty() ? training::elements_of(request.frames) : options.elements;
  std::sort(elements.begin(), elements.end());
  std::vector<Part> parts(request.parts.begin(), request.parts.end());
  if (parts.empty())
    parts = training::split_frames(request.frames, options.valid_fraction, options.test_fraction, options.seed);
  HAVEN_ASSERT(parts.size() == request.frames.size());
  training::check_frames(request.frames, parts, elements);
  training::write_split(request, parts);
  // Tensors of a few MB come and go thousands of times a second: keep their memory instead of returning it each time.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  try {
    if (options.precision == TrainOptions::Precision::float64)
      return training::Session<double>(request, std::move(parts), std::move(elements)).run();
    return training::Session<float>(request, std::move(parts), std::move(elements)).run();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {  // torch has a type of its own for every failure
    const std::string_view message = error.what();
    constexpr std::string_view shortages[] = {"allocate memory", "Resource temporarily unavailable"};  // data, threads
    if (std::none_of(std::begin(shortages), std::end(shortages),
                     [&](std::string_view text) { return message.find(text) != std::string_view::npos; }))
      throw;
    throw ResourceError(fmt::format("memory ran out during training: {}", message.substr(0, message.find('\n'))),
                        "memory", "Use a smaller preset, smaller batches (train.batch_atoms) or fewer threads.");
  }
}

}  // namespace haven

void haven_train(const haven::TrainRequest* request, haven::TrainResult* result) { *result = haven::train(*request); }
