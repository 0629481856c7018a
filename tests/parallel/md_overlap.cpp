#include <fmt/format.h>
#include <gtest/gtest.h>

#include "md/force_engine.hpp"
#include "parallel/md_world.hpp"
#include "potentials/registry.hpp"
#include "support/md_fixtures.hpp"
#include "support/structures.hpp"

// Messages travel while the atoms that have nothing to do with copies are evaluated.
namespace haven::testing {
namespace {

constexpr double cutoff = 6.0, skin = 1.0;

/// Argon of 2 x 2 x 32 cells: 173 A long, so that each of eight domains along it has an interior.
Structure long_crystal() {
  Structure crystal = supercell(argon_crystal(1), 2, 2, 32);
  rattle(crystal, 0.1, 4);
  return crystal;
}

AtomTable table_of(const Structure& structure) {
  const std::size_t n = structure.positions.size();
  return {.numbers = structure.numbers,
          .species = std::vector<int>(n, 0),
          .masses = std::vector<double>(n, 39.948),
          .acceleration = std::vector<double>(n, 1),
          .reference = structure.positions};
}

/// All atoms on the ranks that own them, with copies of their surroundings.
struct Distributed {
  Distributed(const Structure& structure, const RankGrid& grid)
      : table(table_of(structure)), agreement(world()), exchange(world(), agreement, table) {
    const DomainGeometry geometry(structure.cell, grid);
    for (std::size_t id = 0; id < structure.positions.size(); ++id)
      if (geometry.owner(structure.positions[id]) == world().rank())
        atoms.add_owned(table, static_cast<AtomId>(id), structure.positions[id], {static_cast<double>(id), 0, 0});
    exchange.make_copies(geometry, cutoff + skin, atoms);
    list.build(structure.cell, atoms.local(), cutoff + skin);
  }
  /// Whether any neighbour of owned atom i is a copy.
  [[nodiscard]] bool sees_a_copy(Index i) const {
    const NeighbourView view = list.view();
    for (Index k = view.offsets[static_cast<std::size_t>(i)]; k < view.offsets[static_cast<std::size_t>(i) + 1]; ++k)
      if (view.atom[static_cast<std::size_t>(k)] >= atoms.n_owned) return true;
    return false;
  }
  AtomTable table;
  AtomStore atoms;
  Agreement agreement;
  GhostExchange exchange;
  NeighbourList list;
};

/// Writes down what is called, in order.
using Journal = std::vector<std::string>;

class Watched final : public Communicator {
 public:
  Watched(Communicator& inner, Journal& journal) : inner_(inner), journal_(journal) {}
  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  void barrier() override { inner_.barrier(); }
  void all_reduce_sum(std::span<std::int64_t> v) override { inner_.all_reduce_sum(v); }
  void all_reduce_sum(std::span<FixedSum> v) override { inner_.all_reduce_sum(v); }
  void all_reduce_max(std::span<std::int64_t> v) override { inner_.all_reduce_max(v); }
  void all_reduce_max(std::span<double> v) override { inner_.all_reduce_max(v); }
  void broadcast(std::vector<std::byte>& bytes, int root) override { inner_.broadcast(bytes, root); }
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> bytes, int root) override {
    return inner_.gather(bytes, root);
  }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override {
    return inner_.all_gather(bytes);
  }
  std::vector<Message> exchange(const std::vector<Message>& outgoing) override { return inner_.exchange(outgoing); }
  void start_exchange(std::span<const Message> outgoing, std::span<Message> incoming) override {
    journal_.emplace_back("start");
    inner_.start_exchange(outgoing, incoming);
  }
  void progress() override {
    journal_.emplace_back("progress");
    inner_.progress();
  }
  void finish_exchange() override {
    journal_.emplace_back("finish");
    inner_.finish_exchange();
  }
  std::unique_ptr<Communicator> split(int colour) override { return inner_.split(colour); }
  void abort(int exit_code) override { inner_.abort(exit_code); }

 private:
  Communicator& inner_;
  Journal& journal_;
};

class WatchedPotential final : public Potential {
 public:
  enum class Takes { parts, all };
  WatchedPotential(const Potential& inner, Journal& journal, Takes takes)
      : inner_(inner), journal_(journal), takes_(takes) {}
  [[nodiscard]] const Requirements& requirements() const override { return inner_.requirements(); }
  void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override {
    journal_.push_back(fmt::format("{}-{}", atoms.first_centre, atoms.n_centres));
    inner_.evaluate(atoms, list, wanted, out);
  }
  [[nodiscard]] bool evaluates_parts() const override { return takes_ == Takes::parts; }
  [[nodiscard]] std::string description() const override { return inner_.description(); }

 private:
  const Potential& inner_;
  Journal& journal_;
  Takes takes_;
};

/// The calls of one step without a new list, and the number of interior and owned atoms.
struct Step {
  Journal journal;
  Index interior = 0, owned = 0;
};

Step step_of(const Potential& inner, WatchedPotential::Takes takes) {
  const Structure structure = long_crystal();
  Step step;
  Watched group(world(), step.journal);
  const WatchedPotential potential(inner, step.journal, takes);
  const AtomTable table = table_of(structure);
  Agreement agreement(group);
  ForceEngine engine(group, agreement,
                     {.potential = potential,
                      .table = table,
                      .grid = {{1, 1, world().size()}},
                      .cutoff = potential.requirements().cutoff,
                      .skin = skin});
  AtomStore atoms;
  if (world().is_root())
    for (std::size_t id = 0; id < structure.positions.size(); ++id)
      atoms.add_owned(table, static_cast<AtomId>(id), structure.positions[id], Vec3{});
  engine.rebuild(structure.cell, atoms);
  step.interior = engine.n_interior();
  step.owned = atoms.n_owned;
  step.journal.clear();
  engine.follow(structure.cell, atoms, 0);
  (void)engine.evaluate(atoms, Wanted::forces);
  agreement.settle();
  return step;
}

MdOptions two_stages() {
  auto equilibrate = nvt_stage(80, 50, 60), produce = nve_stage(80, 60);
  equilibrate.trajectory_interval = produce.trajectory_interval = 10;
  MdOptions options = options_for({equilibrate, produce});
  options.thermo_interval = 5;
  options.checkpoint_interval = 20;
  return options;
}

}  // namespace

TEST(Interior, HasNoCopiesAsNeighboursAndIsAllThatNobodyNeeds) {
  const int ranks = world().size();
  std::vector<std::pair<Structure, RankGrid>> cases{
      {long_crystal(), {{1, 1, ranks}}}, {triclinic_argon(3), {{1, ranks, 1}}}, {argon_slab(2, 2), {{1, 1, ranks}}}};
  if (ranks == 8) cases.push_back({argon_crystal(6), {{2, 2, 2}}});
  for (const auto& [structure, grid] : cases) {
    const Distributed d(structure, grid);
    ASSERT_LE(d.exchange.n_interior(), d.atoms.n_owned);
    for (Index i = 0; i < d.exchange.n_interior(); ++i) ASSERT_FALSE(d.sees_a_copy(i));
    // Reordering has kept what belongs together.
    for (std::size_t i = 0; i < static_cast<std::size_t>(d.atoms.n_owned); ++i) {
      const auto id = static_cast<std::size_t>(d.atoms.ids[i]);
      EXPECT_EQ(d.atoms.positions[i], structure.positions[id]);
      EXPECT_EQ(d.atoms.velocities[i].x, static_cast<double>(id));
    }
    if (ranks == 1) {
      EXPECT_EQ(d.exchange.n_interior(), d.atoms.n_owned);
    }
  }
  // 21 A or more of domain less 7 A at both ends: the interior is there.
  const Distributed d(long_crystal(), {{1, 1, ranks}});
  EXPECT_GE(d.exchange.n_interior(), d.atoms.n_owned / 4);
  EXPECT_EQ(d.exchange.n_interior() == d.atoms.n_owned, ranks == 1);
}

TEST(Overlap, InteriorAtomsAreEvaluatedWhileMessagesAreUnderWay) {
  const auto potential = argon(cutoff);
  const Step step = step_of(*potential, WatchedPotential::Takes::parts);
  const Index quarter = step.interior / 4;
  const auto part = [](Index first, Index last) { return fmt::format("{}-{}", first, last); };
  if (world().size() == 1) {
    EXPECT_EQ(step.journal, Journal{part(0, step.owned)});
    return;
  }
  EXPECT_EQ(step.journal, (Journal{"start", part(0, quarter), "progress", part(quarter, 2 * quarter), "finish",
                                   part(step.interior, step.owned), "start", part(2 * quarter, 3 * quarter), "progress",
                                   part(3 * quarter, step.interior), "finish"}));
}

TEST(Overlap, PotentialsThatTakeAllOrNothingWaitForTheMessages) {
  const auto potential = argon(cutoff);
  const Step step = step_of(*potential, WatchedPotential::Takes::all);
  if (world().size() == 1) return;
  EXPECT_EQ(step.journal, (Journal{"start", "finish", fmt::format("{}-{}", 0, step.owned), "start", "finish"}));
}

/// The systems of the other tests are too small to have an interior on more than two ranks.
TEST(RankIndependence, LongCrystalWithInteriors) {
  const auto potential = argon(cutoff);
  const RunSetup setup{.potential = *potential, .input = input_for(long_crystal()), .options = two_stages()};
  const auto parallel = run_on(world(), setup);
  if (!world().is_root()) return;
  const auto serial = run(setup);
  EXPECT_EQ(exact_text(parallel->outcome.final_state), exact_text(serial->outcome.final_state));
  EXPECT_EQ(parallel->sink.calls, serial->sink.calls);
}

/// The same of a model in mixed precision, at constant pressure.
TEST(RankIndependence, LongCrystalWithInteriorsOfAModel) {
  const Structure cell = random_structure({.atoms = 24, .elements = {3, 17}, .minimum_distance = 1.9, .seed = 4});
  const auto potential = make_potential(random_model({.elements = {3, 17}, .cutoff = 3.5}), Precision::mixed);
  MdOptions options = options_for({npt_stage(50, {.shape = CellShape::triclinic, .tau_fs = 100}, 1), nve_stage(50, 1)});
  options.timestep_fs = 0.1;
  options.skin = 0.3;
  options.thermo_interval = 2;
  options.guards = guards_for_random_weights();
  const RunSetup setup{.potential = *potential, .input = input_for(supercell(cell, 1, 1, 12), 10), .options = options};
  const auto parallel = run_on(world(), setup);
  if (!world().is_root()) return;
  const auto serial = run(setup);
  EXPECT_EQ(exact_text(parallel->outcome.final_state), exact_text(serial->outcome.final_state));
  EXPECT_EQ(parallel->sink.calls, serial->sink.calls);
}

}  // namespace haven::testing
