// The only file that includes mpi.h. OMPI_SKIP_MPICXX keeps the C++ bindings (50 thousand lines) out.
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <thread>

#include "core/communicator.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

constexpr int tag_known = 3;

void check(int status, const char* call) {
  if (status != MPI_SUCCESS) throw InternalError(std::string("MPI call failed: ") + call, "mpi");
}

// MPI's blocking collectives spin; a training rank must not compete with spinning waiters for its core.
void wait_sleeping(MPI_Request& request) {
  int done = 0;
  for (int round = 0; MPI_Test(&request, &done, MPI_STATUS_IGNORE), !done; ++round)
    if (round > 2000) std::this_thread::sleep_for(std::chrono::microseconds(500));
}

void sum_fixed(void* in, void* inout, int* length, MPI_Datatype*) {
  const auto* a = static_cast<const FixedSum*>(in);
  auto* b = static_cast<FixedSum*>(inout);
  for (int k = 0; k < *length; ++k) b[k] += a[k];
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(MPI_Comm handle, bool is_world) : handle_(handle), is_world_(is_world) {
    MPI_Comm_rank(handle_, &rank_);
    MPI_Comm_size(handle_, &size_);
    MPI_Type_contiguous(sizeof(FixedSum), MPI_BYTE, &fixed_type_);
    MPI_Type_commit(&fixed_type_);
    MPI_Op_create(&sum_fixed, 1, &fixed_sum_);
  }
  ~MpiCommunicator() override {
    MPI_Op_free(&fixed_sum_);
    MPI_Type_free(&fixed_type_);
    if (is_world_) {
      MPI_Finalize();
    } else {
      MPI_Comm_free(&handle_);
    }
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void barrier() override {
    MPI_Request request;
    check(MPI_Ibarrier(handle_, &request), "MPI_Ibarrier");
    wait_sleeping(request);
  }
  void all_reduce_sum(std::span<std::int64_t> v) override {
    check(MPI_Allreduce(MPI_IN_PLACE, v.data(), static_cast<int>(v.size()), MPI_INT64_T, MPI_SUM, handle_), "sum");
  }
  void all_reduce_sum(std::span<FixedSum> v) override {
    check(MPI_Allreduce(MPI_IN_PLACE, v.data(), static_cast<int>(v.size()), fixed_type_, fixed_sum_, handle_), "sum");
  }
  void all_reduce_max(std::span<std::int64_t> v) override {
    check(MPI_Allreduce(MPI_IN_PLACE, v.data(), static_cast<int>(v.size()), MPI_INT64_T, MPI_MAX, handle_), "max");
  }
  void all_reduce_max(std::span<double> v) override {
    check(MPI_Allreduce(MPI_IN_PLACE, v.data(), static_cast<int>(v.size()), MPI_DOUBLE, MPI_MAX, handle_), "max");
  }
  void broadcast(std::vector<std::byte>& bytes, int root) override {
    std::int64_t count = static_cast<std::int64_t>(bytes.size());
    MPI_Request request;
    check(MPI_Ibcast(&count, 1, MPI_INT64_T, root, handle_, &request), "MPI_Ibcast");
    wait_sleeping(request);
    bytes.resize(static_cast<std::size_t>(count));
    constexpr std::int64_t chunk = 1 << 30;  // MPI counts are int
    for (std::int64_t at = 0; at < count; at += chunk)
      check(MPI_Bcast(bytes.data() + at, static_cast<int>(std::min(chunk, count - at)), MPI_BYTE, root, handle_),
            "bcast");
  }
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> bytes, int root) override {
    std::vector<Message> outgoing(1);
    outgoing[0] = {root, {bytes.begin(), bytes.end()}};
    const auto incoming = exchange(outgoing);
    std::vector<std::vector<std::byte>> result(rank_ == root ? static_cast<std::size_t>(size_) : 0);
    for (const auto& message : incoming) result[static_cast<std::size_t>(message.rank)] = message.bytes;
    return result;
  }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override {
    const auto mine = static_cast<std::int64_t>(bytes.size());
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(size_));
    MPI_Request request;
    check(MPI_Iallgather(&mine, 1, MPI_INT64_T, sizes.data(), 1, MPI_INT64_T, handle_, &request), "MPI_Iallgather");
    wait_sleeping(request);
    if (std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) > 0x7fffffff) return all_broadcast(bytes);
    std::vector<int> counts(sizes.begin(), sizes.end()), starts(sizes.size(), 0);
    std::partial_sum(counts.begin(), counts.end() - 1, starts.begin() + 1);
    std::vector<std::byte> all(static_cast<std::size_t>(starts.back() + counts.back()));
    check(MPI_Allgatherv(bytes.data(), counts[static_cast<std::size_t>(rank_)], MPI_BYTE, all.data(), counts.data(),
                         starts.data(), MPI_BYTE, handle_),
          "MPI_Allgatherv");
    std::vector<std::vector<std::byte>> result;
    for (std::size_t r = 0; r < sizes.size(); ++r)
      result.emplace_back(all.begin() + starts[r], all.begin() + starts[r] + counts[r]);
    return result;
  }
  std::vector<Message> exchange(const std::vector<Message>& outgoing) override;
  void start_exchange(std::span<const Message> outgoing, std::span<Message> incoming) override;
  void progress() override {
    int done = 0;
    check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE), "MPI_Testall");
    if (done != 0) requests_.clear();
  }
  void finish_exchange() override {
    check(MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
    requests_.clear();
  }
  std::unique_ptr<Communicator> split(int colour) override {
    MPI_Comm part;
    check(MPI_Comm_split(handle_, colour, rank_, &part), "MPI_Comm_split");
    return std::make_unique<MpiCommunicator>(part, false);
  }
  void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
  }

 private:
  /// all_gather() of more than MPI's counts can say.
  std::vector<std::vector<std::byte>> all_broadcast(std::span<const std::byte> bytes) {
    std::vector<std::vector<std::byte>> result(static_cast<std::size_t>(size_));
    for (int root = 0; root < size_; ++root) {
      std::vector<std::byte> copy;
      if (root == rank_) copy.assign(bytes.begin(), bytes.end());
      broadcast(copy, root);
      result[static_cast<std::size_t>(root)] = std::move(copy);
    }
    return result;
  }

  MPI_Comm handle_;
  bool is_world_;
  int rank_ = 0, size_ = 1;
  MPI_Datatype fixed_type_;
  MPI_Op fixed_sum_;
  std::vector<MPI_Request> requests_;  // of the exchange under way
};

std::vector<Message> MpiCommunicator::exchange(const std::vector<Message>& outgoing) {
  std::vector<std::int64_t> send(static_cast<std::size_t>(size_), -1), receive(send.size());
  for (const auto& message : outgoing)
    send[static_cast<std::size_t>(message.rank)] = static_cast<std::int64_t>(message.bytes.size());
  MPI_Request counts;
  check(MPI_Ialltoall(send.data(), 1, MPI_INT64_T, receive.data(), 1, MPI_INT64_T, handle_, &counts), "MPI_Ialltoall");
  wait_sleeping(counts);
  std::vector<Message> incoming;
  for (int r = 0; r < size_; ++r)
    if (receive[static_cast<std::size_t>(r)] >= 0)
      incoming.push_back({r, std::vector<std::byte>(static_cast<std::size_t>(receive[static_cast<std::size_t>(r)]))});
  exchange_known(outgoing, incoming);
  return incoming;
}

void MpiCommunicator::start_exchange(std::span<const Message> outgoing, std::span<Message> incoming) {
  HAVEN_ASSERT(requests_.empty());
  requests_.reserve(outgoing.size() + incoming.size());
  const auto length = [](const Message& message) {
    if (message.bytes.size() > 0x7fffffff)
      throw ResourceError("a message between ranks exceeds 2 GiB", "mpi",
                          "Use more ranks, so that each holds fewer atoms.");
    return static_cast<int>(message.bytes.size());
  };
  for (auto& message : incoming) {
    requests_.emplace_back();
    check(
        MPI_Irecv(message.bytes.data(), length(message), MPI_BYTE, message.rank, tag_known, handle_, &requests_.back()),
        "recv");
  }
  for (const auto& message : outgoing) {
    requests_.emplace_back();
    check(
        MPI_Isend(message.bytes.data(), length(message), MPI_BYTE, message.rank, tag_known, handle_, &requests_.back()),
        "send");
  }
}

// A plain `haven ...` must not pay for MPI start-up nor fail where no launcher runs, so only a launcher's environment
// counts.
bool started_by_launcher() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMIX_RANK", "MPI_LOCALRANKID"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

}  // namespace

std::unique_ptr<Communicator> make_world_communicator(int& argc, char**& argv) {
  if (!started_by_launcher()) return make_serial_communicator();
  int provided = 0;
  check(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  return std::make_unique<MpiCommunicator>(MPI_COMM_WORLD, true);
}

}  // namespace haven
