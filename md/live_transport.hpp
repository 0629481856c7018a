#pragma once
#include <string>
#include <vector>

#include "core/communicator.hpp"
#include "md/correlator.hpp"
#include "md/dynamics.hpp"
#include "md/integrators/integrator.hpp"
#include "md/options.hpp"
#include "md/sinks.hpp"

namespace haven {

/// Feeds the correlators of a stage. They live on rank 0 and see atoms in order of id, so that their sums depend
/// neither on ranks nor on restarts. Displacements are relative to the host (all elements that are not mobile), every
/// atom of which counts alike; without a host, to the centre of mass.
class LiveTransportMeter {
 public:
  /// Of one element at most this many atoms, evenly chosen by id, are followed one by one.
  static constexpr Index most_tracers = 4096;

  /// @param mobile  atomic numbers
  LiveTransportMeter(Communicator& group, const AtomTable& table, const std::vector<int>& mobile);
  void begin_stage(const StageOptions& stage, double timestep_fs, std::int64_t first_step);
  [[nodiscard]] bool is_on() const { return interval_ > 0; }
  /// Collective. The atoms as they are.
  void sample(const Dynamics& dynamics);
  /// On rank 0.
  [[nodiscard]] LiveTransport result() const;
  void save(Integrator::Variables& variables) const;
  /// @throws InputError when the variables are not there.
  void load(const Integrator::Variables& variables);

 private:
  struct Place {
    AtomId id;
    Vec3 position;  // displacement from the reference, A
  };
  void assign_atoms();

  Communicator& group_;
  const AtomTable& table_;
  std::vector<int> elements_;           // mobile ones that are there
  std::vector<Index> atoms_, tracers_;  // of each
  std::vector<std::size_t> part_;       // by id: index into elements_, or their number for host atoms
  std::vector<Index> slot_;             // by id: place among the tracers, -1
  std::vector<double> weight_;          // by id: in the motion that is subtracted
  double total_weight_ = 0;
  std::int64_t interval_ = 0, first_step_ = 0;
  double interval_fs_ = 0;
  std::string stage_;
  DisplacementCorrelator correlator_;
};

}  // namespace haven
