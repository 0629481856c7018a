#include "training/team.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.hpp"

namespace haven::training {
namespace {

/// Frames cut into pieces of about this many atoms for work without a gradient.
constexpr Index piece_atoms = 400;

template <class T>
std::vector<std::vector<int>> cut_into_pieces(std::span<const int> frames, const TrainingData<T>& data) {
  std::vector<std::vector<int>> pieces;
  Index atoms = piece_atoms;
  for (const int f : frames) {
    if (atoms >= piece_atoms) {
      pieces.emplace_back();
      atoms = 0;
    }
    pieces.back().push_back(f);
    atoms += data.atoms(f);
  }
  return pieces;
}

}  // namespace

int default_threads(Communicator& group) {
  struct Place {
    char host[64] = {};
    cpu_set_t cores{};
  } mine;
  gethostname(mine.host, sizeof mine.host - 1);
  if (sched_getaffinity(0, sizeof mine.cores, &mine.cores) != 0) return 1;
  int sharing = 0;
  for (const auto& bytes : group.all_gather(std::as_bytes(std::span(&mine, 1)))) {
    Place other;
    std::memcpy(&other, bytes.data(), sizeof other);
    cpu_set_t both;
    CPU_AND(&both, &mine.cores, &other.cores);
    if (std::strcmp(mine.host, other.host) == 0 && CPU_COUNT(&both) > 0) ++sharing;
  }
  return std::max(1, available_cores() / std::max(1, sharing));
}

template <class T>
Team<T>::Team(const TrainingProgram<T>& program, TrainingData<T>& data, Communicator& group, int threads,
              const EmbeddingMap* embedding)
    : program_(program), data_(data), group_(group), embedding_(embedding), pool_(threads, use_one_thread) {
  use_one_thread();
  for (int w = 0; w < pool_.threads(); ++w) evaluators_.emplace_back(program_);
  borrowed_.resize(evaluators_.size());
  parameters_.resize(static_cast<std::size_t>(program_.layout.size));
}

template <class T>
void Team<T>::set_parameters(std::span<const double> parameters) {
  if (embedding_ != nullptr) {
    expanded_.resize(parameters_.size());
    embedding_->expand(parameters, expanded_);
    parameters = expanded_;
  }
  std::transform(parameters.begin(), parameters.end(), parameters_.begin(), [](double v) { return static_cast<T>(v); });
}

template <class T>
void Team<T>::for_each_piece(int pieces, const std::function<void(int, int)>& body) {
  const int rank = group_.rank(), ranks = group_.size();
  const int own = pieces > rank ? (pieces - rank + ranks - 1) / ranks : 0;
  std::exception_ptr failure;
  try {
    pool_.run(own, [&](int k, int worker) { body(rank + k * ranks, worker); });
  } catch (...) {
    failure = std::current_exception();
  }
  if (ranks > 1) {
    const std::int64_t failed = max_over_ranks(group_, std::int64_t{failure ? rank + 1 : 0});
    if (failed > 0 && !failure)
      throw ResourceError("another rank failed during training", "rank " + std::to_string(failed - 1),
                          "See the message of that rank; usually its memory did not suffice.");
  }
  if (failure) std::rethrow_exception(failure);
}

template <class T>
LossSums Team<T>::gradient(const Batch& batch, std::span<const double> parameters, const LossScale& scale,
                           std::span<double> gradient) {
  const std::size_t shards = batch.size(), size = parameters_.size();
  set_parameters(parameters);
  gradients_.resize(shards);
  sums_.assign(shards, {});
  for_each_piece(static_cast<int>(shards), [&](int piece, int worker) {
    const auto s = static_cast<std::size_t>(piece), w = static_cast<std::size_t>(worker);
    gradients_[s].resize(size);
    data_.borrow(batch[s], borrowed_[w]);
    sums_[s] = evaluators_[w].gradient(borrowed_[w].frames, parameters_, scale, gradients_[s]);
  });
  if (group_.size() > 1) {
    const auto ranks = static_cast<std::size_t>(group_.size());
    std::vector<std::byte> own;
    for (std::size_t s = static_cast<std::size_t>(group_.rank()); s < shards; s += ranks) {
      const auto head = std::as_bytes(std::span(&sums_[s], 1)), body = std::as_bytes(std::span(gradients_[s]));
      own.insert(own.end(), head.begin(), head.end());
      own.insert(own.end(), body.begin(), body.end());
    }
    const auto all = group_.all_gather(own);
    for (std::size_t s = 0; s < shards; ++s) {
      const std::byte* from = all[s % ranks].data() + (s / ranks) * (sizeof(LossSums) + size * sizeof(T));
      gradients_[s].resize(size);
      std::memcpy(&sums_[s], from, sizeof(LossSums));
      std::memcpy(gradients_[s].data(), from + sizeof(LossSums), size * sizeof(T));
    }
  }
  LossSums total;
  if (embedding_ != nullptr) expanded_gradient_.resize(size);
  const std::span<double> sum = embedding_ != nullptr ? std::span<double>(expanded_gradient_) : gradient;
  std::fill(sum.begin(), sum.end(), 0.0);
  for (std::size_t s = 0; s < shards; ++s) {
    total.add(sums_[s]);
    for (std::size_t k = 0; k < size; ++k) sum[k] += static_cast<double>(gradients_[s][k]);
  }
  if (embedding_ != nullptr) embedding_->pull_back(parameters, sum, gradient);
  return total;
}

template <class T>
LossSums Team<T>::errors(std::span<const int> frames, std::span<const double> parameters, const LossScale& scale) {
  const auto pieces = cut_into_pieces(frames, data_);
  set_parameters(parameters);
  sums_.assign(pieces.size(), {});
  for_each_piece(static_cast<int>(pieces.size()), [&](int piece, int worker) {
    const auto p = static_cast<std::size_t>(piece), w = static_cast<std::size_t>(worker);
    data_.borrow(pieces[p], borrowed_[w]);
    sums_[p] = evaluators_[w].errors(borrowed_[w].frames, parameters_, scale);
  });
  const auto ranks = static_cast<std::size_t>(group_.size());
  if (ranks > 1) {
    std::vector<LossSums> own;
    for (std::size_t p = static_cast<std::size_t>(group_.rank()); p < pieces.size(); p += ranks)
      own.push_back(sums_[p]);
    const auto all = group_.all_gather(std::as_bytes(std::span(own)));
    for (std::size_t p = 0; p < pieces.size(); ++p)
      std::memcpy(&sums_[p], all[p % ranks].data() + (p / ranks) * sizeof(LossSums), sizeof(LossSums));
  }
  LossSums total;
  for (const LossSums& sums : sums_) total.add(sums);
  return total;
}

template <class T>
std::vector<FeatureSample> Team<T>::features(std::span<const int> frames, std::span<const double> parameters,
                                             Index most_atoms) {
  set_parameters(parameters);
  std::vector<FeatureSample> result(program_.elements.size());
  Index atoms = 0;
  std::vector<int> chosen;
  for (const int f : frames) {
    if (atoms > 0 && atoms + data_.atoms(f) > most_atoms) break;
    atoms += data_.atoms(f);
    chosen.push_back(f);
  }
  const auto pieces = cut_into_pieces(std::span<const int>(chosen), data_);
  std::vector<std::vector<FeatureSample>> parts(pieces.size());
  pool_.run(static_cast<int>(pieces.size()), [&](int piece, int worker) {
    const auto p = static_cast<std::size_t>(piece), w = static_cast<std::size_t>(worker);
    data_.borrow(pieces[p], borrowed_[w]);
    parts[p] = evaluators_[w].features(borrowed_[w].frames, parameters_);
  });
  for (std::size_t a = 0; a < result.size(); ++a) {
    result[a].features = program_.elements[a].features;
    for (const auto& part : parts) result[a].atoms += part[a].atoms;
    result[a].values.resize(static_cast<std::size_t>(result[a].features * result[a].atoms));
    for (Index g = 0; g < result[a].features; ++g) {
      auto to = result[a].values.begin() + g * result[a].atoms;
      for (const auto& part : parts) to = std::copy_n(part[a].values.begin() + g * part[a].atoms, part[a].atoms, to);
    }
  }
  return result;
}

template <class T>
typename Team<T>::Ranges Team<T>::feature_ranges(std::span<const int> frames, std::span<const double> parameters) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  set_parameters(parameters);
  // Largest values of G and of -G in one list per worker: a maximum does not depend on the order.
  std::vector<std::size_t> first;
  std::size_t size = 0;
  for (const auto& element : program_.elements) {
    first.push_back(size);
    size += 2 * static_cast<std::size_t>(element.features);
  }
  std::vector<std::vector<double>> extremes(evaluators_.size(), std::vector<double>(size, -infinity));
  const auto pieces = cut_into_pieces(frames, data_);
  for_each_piece(static_cast<int>(pieces.size()), [&](int piece, int worker) {
    const auto w = static_cast<std::size_t>(worker);
    data_.borrow(pieces[static_cast<std::size_t>(piece)], borrowed_[w]);
    const auto samples = evaluators_[w].features(borrowed_[w].frames, parameters_);
    for (std::size_t a = 0; a < samples.size(); ++a)
      for (Index g = 0; g < samples[a].features; ++g)
        for (Index i = 0; i < samples[a].atoms; ++i) {
          const double value = samples[a].values[static_cast<std::size_t>(g * samples[a].atoms + i)];
          double* at = extremes[w].data() + first[a] + 2 * static_cast<std::size_t>(g);
          at[0] = std::max(at[0], value);
          at[1] = std::max(at[1], -value);
        }
  });
  for (const auto& other : extremes)
    for (std::size_t k = 0; k < size; ++k) extremes[0][k] = std::max(extremes[0][k], other[k]);
  group_.all_reduce_max(std::span<double>(extremes[0]));
  Ranges ranges;
  for (std::size_t a = 0; a < program_.elements.size(); ++a) {
    ranges.smallest.emplace_back();
    ranges.largest.emplace_back();
    for (std::size_t g = 0; g < static_cast<std::size_t>(program_.elements[a].features); ++g) {
      ranges.largest[a].push_back(extremes[0][first[a] + 2 * g]);
      ranges.smallest[a].push_back(-extremes[0][first[a] + 2 * g + 1]);
    }
  }
  return ranges;
}

template <class T>
std::vector<std::vector<double>> Team<T>::linear_rows(std::span<const int> frames, std::span<const double> parameters,
                                                      const LossScale& scale, const LinearDraws& draws) {
  set_parameters(parameters);
  std::vector<std::vector<double>> rows(frames.size());
  for_each_piece(static_cast<int>(frames.size()), [&](int piece, int worker) {
    const auto p = static_cast<std::size_t>(piece), w = static_cast<std::size_t>(worker);
    data_.borrow(frames.subspan(p, 1), borrowed_[w]);
    rows[p] = evaluators_[w].linear_rows(borrowed_[w].frames.front(), parameters_, scale, draws);
  });
  const auto ranks = static_cast<std::size_t>(group_.size());
  if (ranks == 1) return rows;
  std::vector<double> own;  // of every frame: how many, and they
  for (std::size_t p = static_cast<std::size_t>(group_.rank()); p < rows.size(); p += ranks) {
    own.push_back(static_cast<double>(rows[p].size()));
    own.insert(own.end(), rows[p].begin(), rows[p].end());
  }
  std::vector<std::vector<double>> all;
  for (const auto& bytes : group_.all_gather(std::as_bytes(std::span(own)))) all.push_back(values_of<double>(bytes));
  std::vector<std::ptrdiff_t> at(ranks, 0);
  for (std::size_t p = 0; p < rows.size(); ++p) {
    const auto from = all[p % ranks].begin();
    std::ptrdiff_t& next = at[p % ranks];
    const auto size = static_cast<std::ptrdiff_t>(from[next++]);
    rows[p].assign(from + next, from + next + size);
    next += size;
  }
  return rows;
}

template <class T>
double Team<T>::smallest_distance(std::span<const int> frames) {
  const auto pieces = cut_into_pieces(frames, data_);
  std::vector<double> nearest(evaluators_.size(), -std::numeric_limits<double>::infinity());  // largest -distance
  for_each_piece(static_cast<int>(pieces.size()), [&](int piece, int worker) {
    const auto w = static_cast<std::size_t>(worker);
    data_.borrow(pieces[static_cast<std::size_t>(piece)], borrowed_[w]);
    for (const LabelledFrame<T>& frame : borrowed_[w].frames)
      nearest[w] = std::max(nearest[w], -frame.edges->minimum_distance);
  });
  double largest = *std::max_element(nearest.begin(), nearest.end());
  group_.all_reduce_max(std::span<double>(&largest, 1));
  return -largest;
}

template <class T>
Prediction Team<T>::predict(int frame, std::span<const double> parameters) {
  set_parameters(parameters);
  data_.borrow(std::span(&frame, 1), borrowed_[0]);
  return std::move(evaluators_[0].predict(borrowed_[0].frames, parameters_).front());
}

template class Team<float>;
template class Team<double>;

}  // namespace haven::training
