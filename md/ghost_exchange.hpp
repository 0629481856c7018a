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
  /// Makes copies of all atoms within `halo` (A) of foreign domains and remembers the plan.
  void make_copies(const DomainGeometry& geometry, double halo, AtomStore& atoms);
  /// Owners' positions to the copies.
  void send_positions(AtomStore& atoms);
  /// Adds the copies' forces to the owners'; the forces of copies are then meaningless.
  void return_forces(AtomStore& atoms);

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
  std::vector<Message> positions_out_, positions_in_, forces_out_, forces_in_;  // reused every step
};

}  // namespace haven
