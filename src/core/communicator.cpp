#include "core/communicator.hpp"

#include <cstdlib>
#include <cstring>

namespace haven {
namespace {

class SerialCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void barrier() override {}
  void all_reduce_sum(std::span<std::int64_t>) override {}
  void all_reduce_sum(std::span<FixedSum>) override {}
  void all_reduce_max(std::span<std::int64_t>) override {}
  void all_reduce_max(std::span<double>) override {}
  void broadcast(std::vector<std::byte>&, int) override {}
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> bytes, int) override {
    return {{bytes.begin(), bytes.end()}};
  }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override { return gather(bytes, 0); }
  std::vector<Message> exchange(const std::vector<Message>& outgoing) override { return outgoing; }
  void start_exchange(std::span<const Message> outgoing, std::span<Message> incoming) override {
    for (std::size_t k = 0; k < outgoing.size(); ++k) incoming[k].bytes = outgoing[k].bytes;
  }
  void progress() override {}
  void finish_exchange() override {}
  std::unique_ptr<Communicator> split(int) override { return make_serial_communicator(); }
  void abort(int exit_code) override { std::_Exit(exit_code); }
};

}  // namespace

std::unique_ptr<Communicator> make_serial_communicator() { return std::make_unique<SerialCommunicator>(); }

void broadcast(Communicator& group, std::string& text, int root) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  group.broadcast(bytes, root);
  text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

double max_over_ranks(Communicator& group, double value) {
  group.all_reduce_max(std::span<double>(&value, 1));
  return value;
}

std::int64_t max_over_ranks(Communicator& group, std::int64_t value) {
  group.all_reduce_max(std::span<std::int64_t>(&value, 1));
  return value;
}

std::int64_t sum_over_ranks(Communicator& group, std::int64_t value) {
  group.all_reduce_sum(std::span<std::int64_t>(&value, 1));
  return value;
}

#ifndef HAVEN_HAVE_MPI
std::unique_ptr<Communicator> make_world_communicator(int&, char**&) { return make_serial_communicator(); }
#endif

}  // namespace haven
