#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "core/error.hpp"
#include "potentials/committee/merge.hpp"
#include "support/shared_data.hpp"
#include "support/training_fixtures.hpp"

namespace haven::testing {
namespace {

/// Ranks as threads of this process, with the collectives that training uses.
class Ranks {
 public:
  explicit Ranks(int size) : bytes_(static_cast<std::size_t>(size)), size_(size) {}

  std::vector<std::vector<std::byte>> gather_all(int rank, std::span<const std::byte> own) {
    std::unique_lock lock(mutex_);
    bytes_[static_cast<std::size_t>(rank)].assign(own.begin(), own.end());
    wait(lock);
    auto all = bytes_;
    wait(lock);  // nobody writes before all have read
    return all;
  }
  [[nodiscard]] int size() const { return size_; }

 private:
  void wait(std::unique_lock<std::mutex>& lock) {
    const int turn = turn_;
    if (++arrived_ == size_) {
      arrived_ = 0;
      ++turn_;
      changed_.notify_all();
    } else {
      changed_.wait(lock, [&] { return turn_ != turn; });
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::vector<std::byte>> bytes_;
  int size_, arrived_ = 0, turn_ = 0;
};

class ThreadCommunicator : public Communicator {
 public:
  ThreadCommunicator(Ranks& ranks, int rank) : ranks_(ranks), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return ranks_.size(); }
  void barrier() override { (void)ranks_.gather_all(rank_, {}); }
  void all_reduce_sum(std::span<std::int64_t> values) override {
    reduce(values, [](auto a, auto b) { return a + b; });
  }
  void all_reduce_sum(std::span<FixedSum>) override { FAIL(); }
  void all_reduce_max(std::span<std::int64_t> values) override {
    reduce(values, [](auto a, auto b) { return std::max(a, b); });
  }
  void all_reduce_max(std::span<double> values) override {
    reduce(values, [](auto a, auto b) { return std::max(a, b); });
  }
  void broadcast(std::vector<std::byte>& bytes, int root) override {
    bytes = all_gather(bytes)[static_cast<std::size_t>(root)];
  }
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> bytes, int) override {
    return all_gather(bytes);
  }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override {
    return ranks_.gather_all(rank_, bytes);
  }
  std::vector<Message> exchange(const std::vector<Message>&) override { std::abort(); }
  void start_exchange(std::span<const Message>, std::span<Message>) override { std::abort(); }
  void progress() override { std::abort(); }
  void finish_exchange() override { std::abort(); }
  std::unique_ptr<Communicator> split(int) override { std::abort(); }
  void abort(int) override { std::abort(); }

 private:
  template <class T, class Combine>
  void reduce(std::span<T> values, Combine combine) {
    const auto all = all_gather(std::as_bytes(values));
    for (std::size_t r = 0; r < all.size(); ++r) {
      const auto other = values_of<T>(all[r]);
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = r == 0 ? other[k] : combine(values[k], other[k]);
    }
  }
  Ranks& ranks_;
  int rank_;
};

struct Job {
  TrainOptions options = quick_options();
  std::string folder;
  TrainRequest::Start start = TrainRequest::Start::fresh;
  int stop_after_polls = -1;
};

TrainResult run_on(const Job& run, const std::vector<Frame>& frames, Communicator& group) {
  Log log;
  int polls = 0;
  TrainRequest request{.options = run.options,
                       .frames = frames,
                       .parts = {},
                       .group = &group,
                       .log = &log,
                       .stop_reason = [&] { return ++polls == run.stop_after_polls ? std::string("a test") : ""; },
                       .folder = run.folder,
                       .prefix = "",
                       .start = run.start};
  return train(request);
}

TrainResult run_alone(const Job& run, const std::vector<Frame>& frames) {
  const auto group = make_serial_communicator();
  return run_on(run, frames, *group);
}

void expect_same_weights(const Model& a, const Model& b) {
  ASSERT_EQ(a.elements.size(), b.elements.size());
  for (std::size_t e = 0; e < a.elements.size(); ++e) {
    ASSERT_EQ(a.elements[e].network.layers.size(), b.elements[e].network.layers.size());
    for (std::size_t k = 0; k < a.elements[e].network.layers.size(); ++k) {
      EXPECT_EQ(a.elements[e].network.layers[k].weights, b.elements[e].network.layers[k].weights);
      EXPECT_EQ(a.elements[e].network.layers[k].bias, b.elements[e].network.layers[k].bias);
    }
    EXPECT_EQ(a.elements[e].feature_min, b.elements[e].feature_min);
  }
  for (const auto& [name, array] : a.parameters) EXPECT_EQ(array.values, b.parameters.at(name).values) << name;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Without the last column: the time is not reproducible.
std::string curve_of(const std::string& path) {
  std::istringstream lines(text_of(path));
  std::string result;
  for (std::string line; std::getline(lines, line);) result += line.substr(0, line.rfind(',')) + "\n";
  return result;
}

/// T38.
TEST(TrainingRun, RepeatsExactly) {
  const auto frames = labelled_frames(24);
  expect_same_weights(run_alone({}, frames).model, run_alone({}, frames).model);
}

/// T38: stopped in the middle of an epoch, twice, and continued: the same weights and the same learning curve.
TEST(TrainingRun, StoppedAndResumedIsTheUninterruptedRun) {
  const auto frames = labelled_frames(24);
  const TemporaryFolder whole, parts;
  const TrainResult expected = run_alone({.folder = whole.path().string()}, frames);
  EXPECT_EQ(expected.status, TrainResult::Status::finished);
  TrainResult result;
  for (const int polls : {5, 9, -1}) {
    result = run_alone(
        {.folder = parts.path().string(), .start = TrainRequest::Start::resume, .stop_after_polls = polls}, frames);
    EXPECT_EQ(result.status == TrainResult::Status::checkpointed, polls > 0);
    EXPECT_EQ(result.reason == "a test", polls > 0);
  }
  expect_same_weights(result.model, expected.model);
  EXPECT_EQ(result.best_epoch, expected.best_epoch);
  EXPECT_EQ(curve_of(parts.file("lcurve.csv")), curve_of(whole.file("lcurve.csv")));
}

/// Polishing is not in checkpoints: it starts again from the end of the epochs, with the same result.
TEST(TrainingRun, StoppedWhilePolishingAndResumedIsTheUninterruptedRun) {
  const auto frames = labelled_frames(24);
  const TrainResult expected = run_alone({}, frames);
  int stops = 0;
  for (int polls = 60; polls > 1 && stops < 2;
       --polls) {  // the last poll is before the final fit, the one before polishes
    const TemporaryFolder fresh;
    const TrainResult result = run_alone(
        {.folder = fresh.path().string(), .start = TrainRequest::Start::resume, .stop_after_polls = polls}, frames);
    if (result.status == TrainResult::Status::finished) continue;
    EXPECT_EQ(result.epochs, expected.epochs) << "stopped after the epochs";
    expect_same_weights(
        run_alone({.folder = fresh.path().string(), .start = TrainRequest::Start::resume}, frames).model,
        expected.model);
    ++stops;
  }
  EXPECT_EQ(stops, 2) << "never stopped";
}

/// T39 and more: threads and ranks do not change a bit.
TEST(TrainingRun, DoesNotDependOnThreads) {
  const auto frames = labelled_frames(24);
  Job run;
  const TrainResult one = run_alone(run, frames);
  for (const int threads : {2, 3, 8}) {
    run.options.threads = threads;
    expect_same_weights(run_alone(run, frames).model, one.model);
  }
}

TEST(TrainingRun, DoesNotDependOnRanks) {
  const auto frames = labelled_frames(24);
  const TrainResult one = run_alone({}, frames);
  for (const int size : {2, 3, 5}) {
    Ranks ranks(size);
    std::vector<TrainResult> results(static_cast<std::size_t>(size));
    std::vector<std::thread> threads;
    for (int r = 0; r < size; ++r)
      threads.emplace_back([&, r] {
        ThreadCommunicator group(ranks, r);
        results[static_cast<std::size_t>(r)] = run_on({}, frames, group);
      });
    for (std::thread& thread : threads) thread.join();
    for (const TrainResult& result : results) expect_same_weights(result.model, one.model);
  }
}

/// Embedding nets are moved once per step, outside the work that ranks share.
TEST(TrainingRun, OfEmbeddingNetsIsTheSameOnThreeRanksAndAfterAStop) {
  const auto frames = labelled_frames(16);
  const TemporaryFolder folder;
  Job run;
  run.options.descriptor.kind = "deeppot-se";
  run.options.max_epochs = 3;
  const TrainResult one = run_alone(run, frames);
  Ranks ranks(3);
  std::vector<TrainResult> results(3);
  std::vector<std::thread> threads;
  for (int r = 0; r < 3; ++r)
    threads.emplace_back([&, r] {
      ThreadCommunicator group(ranks, r);
      results[static_cast<std::size_t>(r)] = run_on(run, frames, group);
    });
  for (std::thread& thread : threads) thread.join();
  for (const TrainResult& result : results) expect_same_weights(result.model, one.model);
  run.folder = folder.path().string();
  run.start = TrainRequest::Start::resume;
  run.stop_after_polls = 5;
  EXPECT_EQ(run_alone(run, frames).status, TrainResult::Status::checkpointed);
  run.stop_after_polls = -1;
  expect_same_weights(run_alone(run, frames).model, one.model);
}

TEST(TrainingRun, DoesNotDependOnTheMemoryForNeighbours) {
  const auto frames = labelled_frames(24);
  Job run;
  run.options.memory_gib = 1e-6;  // about one frame's edges
  expect_same_weights(run_alone(run, frames).model, run_alone({}, frames).model);
}

/// An error on one rank ends all of them, with the same kind of message.
TEST(TrainingRun, OverlappingAtomsEndAllRanksNamingTheFrame) {
  auto frames = labelled_frames(24);
  for (Frame& frame : frames) frame.source = {.path = "good.xyz", .index = 0, .code = ""};
  frames[7].structure.positions[1] = frames[7].structure.positions[0];
  frames[7].source = {.path = "bad.xyz", .index = 7, .code = ""};
  Job run;
  run.options.valid_fraction = 0;
  Ranks ranks(2);
  std::vector<std::string> where(2);
  std::vector<std::thread> threads;
  for (int r = 0; r < 2; ++r)
    threads.emplace_back([&, r] {
      ThreadCommunicator group(ranks, r);
      try {
        (void)run_on(run, frames, group);
      } catch (const Error& error) {
        where[static_cast<std::size_t>(r)] = error.where();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(where[0], "bad.xyz:7");
  EXPECT_EQ(where[1], "bad.xyz:7");
}

TEST(TrainingRun, UsesWhateverLabelsThereAre) {
  auto frames = labelled_frames(24);
  for (std::size_t f = 0; f < frames.size(); ++f) {
    if (f % 3 == 0) frames[f].stress.reset();
    if (f % 3 == 1) frames[f].energy.reset();
    if (f % 12 == 6) frames[f].forces.clear();
  }
  const TrainResult result = run_alone({}, frames);
  EXPECT_GT(result.valid.force, 0);
  EXPECT_EQ(result.epochs, 6);
  for (Frame& frame : frames) {
    frame.stress.reset();
    if (!frame.forces.empty()) frame.energy.reset();
  }
  EXPECT_LT(run_alone({}, frames).valid.virial, 0);
}

TEST(TrainingRun, RefusesUnusableFramesByName) {
  const auto refused = [](const std::function<void(std::vector<Frame>&)>& damage) {
    auto frames = labelled_frames(8);
    damage(frames);
    try {
      (void)run_alone({}, frames);
    } catch (const InputError& error) {
      return error.where();
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refused([](auto& f) { f[3].energy = std::nan(""); }), "frame 3");
  EXPECT_EQ(refused([](auto& f) { f[2].forces.pop_back(); }), "frame 2");
  EXPECT_EQ(refused([](auto& f) { f[5].forces.clear(), f[5].energy.reset(), f[5].stress.reset(); }), "frame 5");
  EXPECT_EQ(refused([](auto& f) { f.clear(); }), "training data");
}

TEST(TrainingRun, RefusesACheckpointOfOtherData) {
  const TemporaryFolder folder;
  auto frames = labelled_frames(24);
  (void)run_alone({.folder = folder.path().string(), .stop_after_polls = 3}, frames);
  frames[0].forces[0].x += 0.1;
  EXPECT_THROW((void)run_alone({.folder = folder.path().string(), .start = TrainRequest::Start::resume}, frames),
               InputError);
}

TEST(TrainingRun, PolishingNeverMakesTheValidationWorse) {
  const auto frames = labelled_frames(24);
  Job plain, polished;
  plain.options.polish_iterations = 0;
  polished.options.polish_iterations = 25;
  plain.options.final_fit_rows = polished.options.final_fit_rows = 0;
  plain.options.loss = {.balance = LossWeights::Balance::given, .energy = 1, .force = 1};
  polished.options.loss = plain.options.loss;
  const auto score = [&](const Job& job) {
    const PartErrors errors = run_alone(job, frames).valid;
    return errors.energy * errors.energy + errors.force * errors.force;  // the validation loss with these weights
  };
  EXPECT_LE(score(polished), score(plain));
}

/// A second member over the first one's descriptor: its features are the same numbers, its networks are not, and the
/// two are one model.
TEST(TrainingRun, OverASharedDescriptorGivesAMemberOfACommittee) {
  const auto frames = labelled_frames(24);
  for (const char* kind : {"moment", "deeppot-se"}) {
    Job first;
    first.options.descriptor.kind = kind;
    const Model one = run_alone(first, frames).model;
    const auto group = make_serial_communicator();
    Log log;
    TrainRequest request{.options = first.options, .frames = frames, .group = group.get(), .log = &log, .share = &one};
    request.options.seed = 2;
    const Model two = train(request).model;
    for (const auto& [name, array] : one.parameters) EXPECT_EQ(array.values, two.parameters.at(name).values) << name;
    EXPECT_NE(one.elements[0].network.layers[0].weights, two.elements[0].network.layers[0].weights);
    const Model committee = merge_committee(std::vector<Model>{one, two}, {});
    const auto potential = make_potential(committee, Precision::float64);
    const StructureEvaluation result = evaluate_structure(*potential, frames[0].structure, Wanted::deviation);
    EXPECT_GT(result.energy_deviation, 0) << kind;
  }
}

/// The exact fit of the linear part at the end may only lower the error by which it is judged.
TEST(TrainingRun, FinalFitLowersTheValidationErrorOrLeavesTheModel) {
  const auto frames = labelled_frames(40);
  Job without;
  without.options.final_fit_rows = 0;
  const TrainResult before = run_alone(without, frames), after = run_alone({}, frames);
  EXPECT_EQ(after.best_epoch, before.best_epoch);
  EXPECT_LT(after.valid.force, before.valid.force);
  EXPECT_LT(after.train.force, before.train.force);
}

TEST(TrainingRun, StopsEarlyWhenNothingImproves) {
  Job run;
  run.options.polish_iterations = 0;
  run.options.max_epochs = 200;
  run.options.patience = 2;
  run.options.learning_rate_start = run.options.learning_rate_end = 1e-12;
  run.options.average_decay = 0;
  auto frames = labelled_frames(24);
  const TrainResult result = run_alone(run, frames);
  EXPECT_LT(result.epochs, 50);
  EXPECT_EQ(result.status, TrainResult::Status::finished);
}

}  // namespace
}  // namespace haven::testing
