#include "md/atom_store.hpp"

#include "core/error.hpp"

namespace haven {
namespace {

template <class T>
void compact(std::vector<T>& values, std::span<const char> keep) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < keep.size(); ++i)
    if (keep[i] != 0) values[kept++] = values[i];
  values.resize(kept);
}

template <class T>
void permute(std::vector<T>& values, std::span<const std::int32_t> order) {
  std::vector<T> permuted;
  permuted.reserve(order.size());
  for (const std::int32_t from : order) permuted.push_back(values[static_cast<std::size_t>(from)]);
  values = std::move(permuted);
}

}  // namespace

void AtomStore::drop_copies() {
  const auto n = static_cast<std::size_t>(n_owned);
  ids.resize(n);
  species.resize(n);
  positions.resize(n);
  forces.resize(n);
}

void AtomStore::add_owned(const AtomTable& table, AtomId id, const Vec3& position, const Vec3& velocity) {
  HAVEN_ASSERT(n_owned == size() && id >= 0 && id < table.size());
  const auto at = static_cast<std::size_t>(id);
  ids.push_back(id);
  species.push_back(table.species[at]);
  positions.push_back(position);
  velocities.push_back(velocity);
  acceleration.push_back(table.acceleration[at]);
  masses.push_back(table.masses[at]);
  forces.emplace_back();
  ++n_owned;
}

void AtomStore::retain(std::span<const char> keep) {
  HAVEN_ASSERT(n_owned == size() && static_cast<Index>(keep.size()) == n_owned);
  compact(ids, keep);
  compact(species, keep);
  compact(positions, keep);
  compact(velocities, keep);
  compact(acceleration, keep);
  compact(masses, keep);
  forces.resize(ids.size());
  n_owned = size();
}

void AtomStore::reorder(std::span<const std::int32_t> order) {
  HAVEN_ASSERT(n_owned == size() && static_cast<Index>(order.size()) == n_owned);
  permute(ids, order);
  permute(species, order);
  permute(positions, order);
  permute(velocities, order);
  permute(acceleration, order);
  permute(masses, order);
}

void AtomStore::add_copy(const AtomTable& table, AtomId id, const Vec3& position) {
  HAVEN_ASSERT(id >= 0 && id < table.size());
  ids.push_back(id);
  species.push_back(table.species[static_cast<std::size_t>(id)]);
  positions.push_back(position);
  forces.emplace_back();
}

}  // namespace haven
