#include "md/ghost_exchange.hpp"

#include <cstring>
#include <numeric>

namespace haven {
namespace {

struct Migrant {
  AtomId id;
  Vec3 position, velocity;
};
struct Copy {
  AtomId id;
  Vec3 position;
};

template <class T>
void append(std::vector<std::byte>& bytes, const T& value) {
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof(T));
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

template <class T>
T read(const std::vector<std::byte>& bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void write(std::vector<std::byte>& bytes, std::size_t index, const T& value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

std::vector<Message> messages_with_content(std::vector<std::vector<std::byte>>& by_rank) {
  std::vector<Message> messages;
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank)
    if (!by_rank[rank].empty()) messages.push_back({static_cast<int>(rank), std::move(by_rank[rank])});
  return messages;
}

/// The ranks that need a copy of an atom.
struct Needed {
  std::vector<std::int32_t> atoms;  // all that somebody needs
  std::vector<int> ranks;
  std::vector<std::size_t> ends;  // in `ranks`, of each of them
};

/// Brings the atoms that nobody needs to the front; returns what is needed of those behind.
Needed bring_interior_to_front(const DomainGeometry& geometry, double halo, int self, AtomStore& atoms) {
  Needed needed;
  std::vector<std::int32_t> order;
  for (std::int32_t i = 0; i < atoms.n_owned; ++i) {
    geometry.ranks_needing(atoms.positions[static_cast<std::size_t>(i)], halo, self, needed.ranks);
    if (needed.ranks.size() == (needed.ends.empty() ? 0 : needed.ends.back())) {
      order.push_back(i);
    } else {
      needed.atoms.push_back(i);
      needed.ends.push_back(needed.ranks.size());
    }
  }
  const auto n_interior = static_cast<std::int32_t>(order.size());
  order.insert(order.end(), needed.atoms.begin(), needed.atoms.end());
  atoms.reorder(order);
  std::iota(needed.atoms.begin(), needed.atoms.end(), n_interior);
  return needed;
}

}  // namespace

void GhostExchange::migrate(const DomainGeometry& geometry, AtomStore& atoms) {
  atoms.drop_copies();
  routes_.clear();
  blocks_.clear();
  if (group_.size() == 1) return;
  std::vector<Message> outgoing;
  agreement_.attempt([&] {
    std::vector<std::vector<std::byte>> by_rank(static_cast<std::size_t>(group_.size()));
    std::vector<char> stays(static_cast<std::size_t>(atoms.n_owned), 1);
    for (std::size_t i = 0; i < stays.size(); ++i) {
      const int owner = geometry.owner(atoms.positions[i]);
      if (owner == group_.rank()) continue;
      stays[i] = 0;
      append(by_rank[static_cast<std::size_t>(owner)], Migrant{atoms.ids[i], atoms.positions[i], atoms.velocities[i]});
    }
    outgoing = messages_with_content(by_rank);
    atoms.retain(stays);
  });
  agreement_.settle();
  const auto incoming = group_.exchange(outgoing);
  agreement_.attempt([&] {
    for (const Message& message : incoming)
      for (std::size_t k = 0; k < message.bytes.size() / sizeof(Migrant); ++k) {
        const auto migrant = read<Migrant>(message.bytes, k);
        atoms.add_owned(table_, migrant.id, migrant.position, migrant.velocity);
      }
  });
  // Settled by make_copies(), which follows every migration.
}

void GhostExchange::make_copies(const DomainGeometry& geometry, double halo, AtomStore& atoms) {
  atoms.drop_copies();
  routes_.clear();
  blocks_.clear();
  n_interior_ = atoms.n_owned;
  if (group_.size() == 1) return;
  std::vector<Message> outgoing;
  agreement_.attempt([&] {
    const Needed needed = bring_interior_to_front(geometry, halo, group_.rank(), atoms);
    n_interior_ = atoms.n_owned - static_cast<Index>(needed.atoms.size());
    std::vector<Route> by_rank(static_cast<std::size_t>(group_.size()));
    std::vector<std::vector<std::byte>> bytes(by_rank.size());
    std::size_t next = 0;
    for (std::size_t k = 0; k < needed.atoms.size(); ++k) {
      const auto at = static_cast<std::size_t>(needed.atoms[k]);
      for (; next < needed.ends[k]; ++next) {
        const auto rank = static_cast<std::size_t>(needed.ranks[next]);
        by_rank[rank].atoms.push_back(needed.atoms[k]);
        append(bytes[rank], Copy{atoms.ids[at], atoms.positions[at]});
      }
    }
    for (std::size_t rank = 0; rank < by_rank.size(); ++rank)
      if (!by_rank[rank].atoms.empty()) routes_.push_back({static_cast<int>(rank), std::move(by_rank[rank].atoms)});
    outgoing = messages_with_content(bytes);
  });
  agreement_.settle();
  const auto incoming = group_.exchange(outgoing);
  agreement_.attempt([&] {
    for (const Message& message : incoming) {
      const auto count = static_cast<Index>(message.bytes.size() / sizeof(Copy));
      blocks_.push_back({message.rank, atoms.size(), count});
      for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
        const auto copy = read<Copy>(message.bytes, k);
        atoms.add_copy(table_, copy.id, copy.position);
      }
    }
    size_buffers();
  });
  agreement_.settle();
}

void GhostExchange::size_buffers() {
  const auto message = [](int rank, std::size_t count, std::size_t item) {
    return Message{rank, std::vector<std::byte>(count * item)};
  };
  positions_out_.clear();
  positions_in_.clear();
  forces_out_.clear();
  forces_in_.clear();
  for (const Route& route : routes_) {
    positions_out_.push_back(message(route.rank, route.atoms.size(), sizeof(Vec3)));
    forces_in_.push_back(message(route.rank, route.atoms.size(), sizeof(FixedVec3)));
  }
  for (const Block& block : blocks_) {
    positions_in_.push_back(message(block.rank, static_cast<std::size_t>(block.count), sizeof(Vec3)));
    forces_out_.push_back(message(block.rank, static_cast<std::size_t>(block.count), sizeof(FixedVec3)));
  }
}

void GhostExchange::start_positions(const AtomStore& atoms) {
  if (group_.size() == 1) return;
  for (std::size_t r = 0; r < routes_.size(); ++r)
    for (std::size_t k = 0; k < routes_[r].atoms.size(); ++k)
      write(positions_out_[r].bytes, k, atoms.positions[static_cast<std::size_t>(routes_[r].atoms[k])]);
  group_.start_exchange(positions_out_, positions_in_);
  positions_under_way_ = true;
}

void GhostExchange::finish_positions(AtomStore& atoms) {
  if (!positions_under_way_) return;
  group_.finish_exchange();
  positions_under_way_ = false;
  for (std::size_t b = 0; b < blocks_.size(); ++b)
    std::memcpy(&atoms.positions[static_cast<std::size_t>(blocks_[b].first)], positions_in_[b].bytes.data(),
                positions_in_[b].bytes.size());
}

void GhostExchange::start_forces(const AtomStore& atoms) {
  if (group_.size() == 1) return;
  for (std::size_t b = 0; b < blocks_.size(); ++b)
    std::memcpy(forces_out_[b].bytes.data(), &atoms.forces[static_cast<std::size_t>(blocks_[b].first)],
                forces_out_[b].bytes.size());
  group_.start_exchange(forces_out_, forces_in_);
}

void GhostExchange::finish_forces(AtomStore& atoms) {
  if (group_.size() == 1) return;
  group_.finish_exchange();
  for (std::size_t r = 0; r < routes_.size(); ++r)
    for (std::size_t k = 0; k < routes_[r].atoms.size(); ++k)
      atoms.forces[static_cast<std::size_t>(routes_[r].atoms[k])] += read<FixedVec3>(forces_in_[r].bytes, k);
}

}  // namespace haven
