#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/fixed_sum.hpp"
#include "core/types.hpp"

namespace haven {

/// Bytes for, or from, one rank.
struct Message {
  int rank = 0;
  std::vector<std::byte> bytes;
};

/// The collectives Haven uses. The serial version is a group of one, so that one code path serves 1 and N ranks.
///
/// Reductions exist only for integers, fixed-point sums and maxima: nothing here depends on the order of ranks.
/// All calls are collective over the group.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  [[nodiscard]] bool is_root() const { return rank() == 0; }

  /// Waits for all ranks. Sleeps instead of spinning, so that waiting ranks leave their core to working ones.
  virtual void barrier() = 0;
  virtual void all_reduce_sum(std::span<std::int64_t> values) = 0;
  virtual void all_reduce_sum(std::span<FixedSum> values) = 0;
  virtual void all_reduce_max(std::span<std::int64_t> values) = 0;
  virtual void all_reduce_max(std::span<double> values) = 0;
  /// Copies root's bytes to all; the size is sent too, so other ranks pass an empty vector. Waiting ranks sleep.
  virtual void broadcast(std::vector<std::byte>& bytes, int root = 0) = 0;
  /// Root receives the bytes of every rank in rank order; the others get an empty vector.
  [[nodiscard]] virtual std::vector<std::vector<std::byte>> gather(std::span<const std::byte> bytes, int root = 0) = 0;
  /// Every rank receives the bytes of every rank in rank order.
  [[nodiscard]] virtual std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) = 0;
  /// Sparse exchange with counts unknown to the receiver: returns the messages sent to this rank, sorted by sender.
  [[nodiscard]] virtual std::vector<Message> exchange(const std::vector<Message>& outgoing) = 0;
  /// Begins an exchange along a plan that both sides know: `incoming[k].bytes` is sized by the caller, no counts
  /// travel. Returns at once. Until finish_exchange() the bytes of both belong to the messages under way, and no other
  /// exchange may begin; reductions may.
  virtual void start_exchange(std::span<const Message> outgoing, std::span<Message> incoming) = 0;
  /// Lets the exchange that was begun move on; most libraries move long messages only while they are called. Not
  /// collective, and nothing when no exchange is under way.
  virtual void progress() = 0;
  /// Waits until `incoming` of the exchange that was begun is complete.
  virtual void finish_exchange() = 0;
  /// Both in one.
  void exchange_known(std::span<const Message> outgoing, std::span<Message> incoming) {
    start_exchange(outgoing, incoming);
    finish_exchange();
  }
  /// New group of the ranks that pass the same colour, ordered by rank.
  [[nodiscard]] virtual std::unique_ptr<Communicator> split(int colour) = 0;
  /// Ends the whole job at once; only for a rank that cannot agree with the others any more.
  [[noreturn]] virtual void abort(int exit_code) = 0;
};

/// A group of one.
[[nodiscard]] std::unique_ptr<Communicator> make_serial_communicator();
/// MPI_COMM_WORLD when the build has MPI and the process was started by mpirun or srun, else a group of one.
/// Initialises MPI; the object finalises it. One world may exist per process.
[[nodiscard]] std::unique_ptr<Communicator> make_world_communicator(int& argc, char**& argv);

// Typed helpers for trivially copyable values.
template <class T>
std::span<const std::byte> bytes_of(std::span<const T> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  return std::as_bytes(values);
}
template <class T>
std::vector<T> values_of(std::span<const std::byte> bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<T> values(bytes.size() / sizeof(T));
  for (std::size_t k = 0; k < values.size() * sizeof(T); ++k) reinterpret_cast<std::byte*>(values.data())[k] = bytes[k];
  return values;
}
/// Root's string on every rank.
void broadcast(Communicator& group, std::string& text, int root = 0);
/// Largest value over ranks.
[[nodiscard]] double max_over_ranks(Communicator& group, double value);
[[nodiscard]] std::int64_t max_over_ranks(Communicator& group, std::int64_t value);
[[nodiscard]] std::int64_t sum_over_ranks(Communicator& group, std::int64_t value);

}  // namespace haven
