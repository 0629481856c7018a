#pragma once
#include <vector>

#include "core/communicator.hpp"
#include "md/agreement.hpp"
#include "md/atom_store.hpp"
#include "md/domain.hpp"

namespace haven {

/// Moves atoms to their owners and keeps copies of atoms near foreign domains up to date.
///
/// A copy carries the owner's unwrapped coordinates, so every rank has the same bits; which of its periodic images are
/// neighbours is the neighbour list's matter. All functions are collective; errors of one rank reach all of them
/// through the Agreement.
class GhostExchange {
 public:
  GhostExchange(Communicator& group, Agreement& agreement, const AtomTable& table)
      : group_(group), agreement_(agreement), table_(table) {}

  /// Sends every owned atom to the rank whose domain it is in, however far away. Drops all copies.
  void migrate(const DomainGeometry& geometry, AtomStore& atoms);
  /// Makes copies of all atoms within `halo` (A) of foreign domains and remembers the plan. Brings the owned atoms that
  /// are not copied to the front.
  void make_copies(const DomainGeometry& geometry, double halo, AtomStore& atoms);
  /// Number of owned atoms at the front that nobody has a copy of. No copy is within `halo` of them.
  [[nodiscard]] Index n_interior() const { return n_interior_; }

  /// Owners' positions to the copies. They are there after finish_positions(), which does nothing when none are under
  /// way. Between the two no other exchange may begin.
  void start_positions(const AtomStore& atoms);
  void finish_positions(AtomStore& atoms);
  /// Adds the copies' forces to the owners'; the forces of copies are then meaningless. Between the two calls forces
  /// may be added to owned atoms, but not to copies.
  void start_forces(const AtomStore& atoms);
  void finish_forces(AtomStore& atoms);
  /// Lets what is under way move on. Not collective.
  void progress() { group_.progress(); }

 private:
  struct Route {
    int rank = 0;
    std::vector<std::int32_t> atoms;  // owned, sent to `rank` in this order
  };
  struct Block {
    int rank = 0;
    Index first = 0, count = 0;  // copies received from `rank`
  };
  void size_buffers();

  Communicator& group_;
  Agreement& agreement_;
  const AtomTable& table_;
  std::vector<Route> routes_;
  std::vector<Block> blocks_;
  Index n_interior_ = 0;
  bool positions_under_way_ = false;
  std::vector<Message> positions_out_, positions_in_, forces_out_, forces_in_;  // reused every step
};

}  // namespace haven
