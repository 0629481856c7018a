#include <fmt/format.h>
#include <sys/resource.h>

#include <array>
#include <cstdlib>

#include "app/bench_model.hpp"
#include "clocks.hpp"
#include "core/communicator.hpp"
#include "md/simulation.hpp"
#include "potentials/registry.hpp"

/// What a step costs on several ranks: processor time of the work and of the communication, messages and bytes. Two
/// runs of different length are subtracted, so that the start does not count. Processor times make oversubscribed ranks
/// and busy machines comparable; docs/scaling.md holds the results.
///
/// usage: mpirun -n RANKS md_scaling_bench PRESET ATOMS STEPS [SAMPLE]
///
/// With SAMPLE, displacements of the model's first element are correlated every SAMPLE steps during the run.
namespace haven {
namespace {

struct Counters {
  double messages = 0, bytes = 0, rebuild_bytes = 0, reductions = 0, reduced_bytes = 0;
  double communication_cpu = 0, cpu = 0, wall = 0;
  [[nodiscard]] std::array<double, 8> values() const {
    return {messages, bytes, rebuild_bytes, reductions, reduced_bytes, communication_cpu, cpu, wall};
  }
};

/// Passes everything on and counts it.
class CountingCommunicator final : public Communicator {
 public:
  explicit CountingCommunicator(Communicator& inner) : inner_(inner) {}
  Counters counters;

  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  void barrier() override { inner_.barrier(); }
  void all_reduce_sum(std::span<std::int64_t> v) override {
    reduce(v, [&] { inner_.all_reduce_sum(v); });
  }
  void all_reduce_sum(std::span<FixedSum> v) override {
    reduce(v, [&] { inner_.all_reduce_sum(v); });
  }
  void all_reduce_max(std::span<std::int64_t> v) override {
    reduce(v, [&] { inner_.all_reduce_max(v); });
  }
  void all_reduce_max(std::span<double> v) override {
    reduce(v, [&] { inner_.all_reduce_max(v); });
  }
  void broadcast(std::vector<std::byte>& bytes, int root) override { inner_.broadcast(bytes, root); }
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> bytes, int root) override {
    return inner_.gather(bytes, root);
  }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override {
    return inner_.all_gather(bytes);
  }
  std::vector<Message> exchange(const std::vector<Message>& outgoing) override {
    for (const Message& message : outgoing) counters.rebuild_bytes += static_cast<double>(message.bytes.size());
    std::vector<Message> incoming;
    timed([&] { incoming = inner_.exchange(outgoing); });
    return incoming;
  }
  void start_exchange(std::span<const Message> outgoing, std::span<Message> incoming) override {
    counters.messages += static_cast<double>(outgoing.size());
    for (const Message& message : outgoing) counters.bytes += static_cast<double>(message.bytes.size());
    timed([&] { inner_.start_exchange(outgoing, incoming); });
  }
  void progress() override {
    timed([&] { inner_.progress(); });
  }
  void finish_exchange() override {
    timed([&] { inner_.finish_exchange(); });
  }
  std::unique_ptr<Communicator> split(int colour) override { return inner_.split(colour); }
  void abort(int exit_code) override { inner_.abort(exit_code); }

 private:
  template <class Work>
  void timed(const Work& work) {
    const double begin = processor_seconds();
    work();
    counters.communication_cpu += processor_seconds() - begin;
  }
  template <class T, class Work>
  void reduce(std::span<T> values, const Work& work) {
    ++counters.reductions;
    counters.reduced_bytes += static_cast<double>(values.size_bytes());
    timed(work);
  }
  Communicator& inner_;
};

class NoSink final : public RunSink {
 public:
  void begin_stage(const TrajectoryHeader&, std::int64_t) override {}
  void frame(const TrajectoryFrame&) override {}
  void thermo(const ThermoRow&) override {}
  void checkpoint(const SimulationState&) override {}
  void event(const std::string&) override {}
};

struct Case {
  Model model;
  Structure structure;
  std::unique_ptr<Potential> potential;
  std::int64_t correlator_interval = 0;  ///< steps
};

Counters run_steps(Communicator& world, const Case& c, std::int64_t steps) {
  MdInput input;
  input.structure = c.structure;
  for (const int number : c.structure.numbers)
    for (const ModelElement& element : c.model.elements)
      if (element.number == number) input.masses.push_back(element.mass);
  MdOptions options;
  options.guards.max_force = options.guards.max_temperature_factor = options.guards.energy_drift = 0;
  options.thermo_interval = 1000000;
  options.checkpoint_minutes = 0;
  options.stages = {{.name = "bench",
                     .ensemble = Ensemble::nve,
                     .temperature = {},
                     .duration_fs = static_cast<double>(steps) * options.timestep_fs}};
  options.stages[0].correlator_interval = c.correlator_interval;
  options.guards.mobile_elements = {c.model.elements[0].number};
  options.guards.host_msd_factor = 0;
  CountingCommunicator counting(world);
  const StopRequest stop;
  NoSink sink;
  Log quiet;
  const double cpu = processor_seconds(), wall = wall_seconds();
  static_cast<void>(run_md(*c.potential, input, options, std::nullopt,
                           {.group = counting, .sink = world.is_root() ? &sink : nullptr, .stop = stop, .log = quiet}));
  counting.counters.cpu = processor_seconds() - cpu;
  counting.counters.wall = wall_seconds() - wall;
  return counting.counters;
}

int bench(Communicator& world, Case c, std::int64_t steps) {
  const std::int64_t few = std::max<std::int64_t>(1, steps / 5);
  const auto first = run_steps(world, c, few).values(), second = run_steps(world, c, few + steps).values();
  std::array<double, 8> per_step{}, largest{};
  for (std::size_t k = 0; k < per_step.size(); ++k) {
    per_step[k] = (second[k] - first[k]) / static_cast<double>(steps);
    largest[k] = max_over_ranks(world, per_step[k]);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double memory_mb = max_over_ranks(world, static_cast<double>(usage.ru_maxrss) / 1024);
  const double work = max_over_ranks(world, per_step[6] - per_step[5]);
  if (!world.is_root()) return 0;
  const auto n = static_cast<double>(c.structure.size()), ranks = static_cast<double>(world.size());
  fmt::print(
      "ranks {} atoms {:.0f} | per rank and step, the busiest: work {:.1f} us ({:.3f} us per owned atom), "
      "communication "
      "cpu {:.1f} us, {:.1f} messages, {:.0f} bytes, lists {:.0f} bytes, {:.2f} reductions of {:.0f} bytes | wall "
      "{:.1f} us per step | memory {:.1f} MB\n",
      world.size(), n, 1e6 * work, 1e6 * work * ranks / n, 1e6 * largest[5], largest[0], largest[1], largest[2],
      largest[3], largest[3] > 0 ? largest[4] / largest[3] : 0, 1e6 * largest[7], memory_mb);
  return 0;
}

}  // namespace
}  // namespace haven

int main(int argc, char** argv) {
  const auto world = haven::make_world_communicator(argc, argv);
  if (argc != 4 && argc != 5) {
    if (world->is_root()) fmt::print(stderr, "usage: md_scaling_bench PRESET ATOMS STEPS [SAMPLE]\n");
    return 2;
  }
  haven::Case c{.model = haven::bench_model(argv[1]), .structure = {}, .potential = nullptr};
  c.structure = haven::bench_structure(c.model, std::atol(argv[2]));
  c.potential = haven::make_potential(c.model, haven::Precision::mixed);
  if (argc == 5) c.correlator_interval = std::atol(argv[4]);
  return haven::bench(*world, std::move(c), std::atol(argv[3]));
}
