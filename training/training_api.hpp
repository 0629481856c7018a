#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/communicator.hpp"
#include "core/log.hpp"
#include "core/structure.hpp"
#include "potentials/model.hpp"
#include "potentials/registry.hpp"

/// The interface of the training module (libhaven_training.so), which `haven train` alone loads with dlopen. No torch
/// here.
namespace haven {

/// Weights of the terms of the loss
///   L = (1/frames) sum_frames w_frame [ energy(t) <dE^2> + force <dF^2> + stress <dW^2> ],
/// dE the energy error in eV/atom, <dF^2> the mean over force components in (eV/A)^2, <dW^2> the mean over the six
/// components of stress * volume / atoms in (eV/atom)^2. energy(t) goes geometrically from `energy_start` to `energy`
/// as the learning rate decays. 0 switches a term off.
struct LossWeights {
  /// Automatic balance: each term is divided by the variance of its labels in the training set and then weighted with
  /// 0.02 (energy, start), 1 (energy, end), 1 (force) and, for the stress, with 0.1, 0.01 or 0.001: as strained copies
  /// of a structure show that the stresses are the derivative of the energies, show nothing, or show that they
  /// contradict them (by 0.25 GPa or more: Pulay stress, for one; TN002), see check_stresses(). Where the energies of
  /// very different structures (surfaces, strained crystals) spread far, that would leave the energy hardly any weight:
  /// its divisor is at most (0.2 A)^2 times that of the forces.
  enum class Balance { automatic, given };
  Balance balance = Balance::automatic;
  double energy_start = 0, energy = 0, force = 0,
         stress = 0;  ///< 1/(eV/atom)^2, 1/(eV/A)^2, 1/(eV/atom)^2; for `given`
};

/// All choices of a training run: the tables [model] and [train] of the input file.
struct TrainOptions {
  DescriptorOptions descriptor;
  std::string repulsion = "zbl";             ///< "none" | "zbl"
  std::vector<int> elements;                 ///< order of elements in the model; empty: ascending, as found
  std::vector<Index> hidden_layers;          ///< widths; empty: {32, 32}, {64, 64} or {96, 96} by preset
  Activation activation = Activation::silu;  ///< silu, gelu and softplus have a linear path beside the layers
  std::uint64_t seed = 1;

  Index batch_atoms = 64;  ///< a batch is closed at this many atoms ...
  Index batch_frames = 2;  ///< ... but not before it has this many frames
  Index max_epochs = 200;
  double max_minutes = 0;  ///< training time over all parts of a resumed run; 0: no limit
  double learning_rate_start = 3e-3, learning_rate_end = 1e-5;
  enum class Schedule { cosine, exponential } schedule = Schedule::cosine;
  Index warm_up_steps = 200;     ///< linear ramp of the learning rate; at most a twentieth of all steps
  double weight_decay = 1e-6;    ///< decoupled, per unit learning rate
  double average_decay = 0.999;  ///< of the exponential moving average that is validated and exported
  double gradient_clip = 3.0;    ///< largest ratio of a gradient norm to its running mean
  LossWeights loss;
  /// Robust loss (Huber): an error e of a term with weight w (1/variance of the labels in the automatic balance) counts
  /// linearly beyond sqrt(w) |e| = robust, as its tangent there, so that wrong labels pull no harder than that. 0: all
  /// errors count squared.
  double robust = 0;
  Index polish_iterations = 20;  ///< full-batch L-BFGS steps from the best model at the end; 0: none
  /// Rows per unknown of the exact fit of the energy's linear part at the very end, see fit_linear_part(); 0: none.
  /// They add about 1/rows to the mean square of what no fit can follow.
  Index final_fit_rows = 64;
  Index patience = 60;            ///< stop after so many epochs without a better validation; 0: never
  double checkpoint_minutes = 5;  ///< between checkpoints; one is written at the end in any case

  double valid_fraction = 0.1, test_fraction = 0.0;  ///< of the frames
  enum class Precision {
    mixed,
    float64
  } precision = Precision::mixed;  ///< mixed: float32 networks, double weights and sums
  int threads = 0;                 ///< per rank; 0: the cores of this process shared by its ranks
  int shards = 4;                  ///< parts of a batch; the result depends on it, but on neither ranks nor threads
  double memory_gib = 0;           ///< for neighbour data, per rank; 0: half of the free memory
};

/// Which part of the data a frame belongs to.
enum class Part : std::uint8_t { train, valid, test };

/// Everything a call needs. Pointers stay owned by the caller and outlive the call. Collective over the group.
struct TrainRequest {
  TrainOptions options{};
  std::span<const Frame> frames{};  ///< the same on every rank
  std::span<const Part> parts{};    ///< one per frame, or empty: split by `options` (by trajectory, see split.hpp)
  Communicator* group = nullptr;
  Log* log = nullptr;
  /// A trained model whose descriptor and feature statistics are taken over and not trained: its networks and those of
  /// the result see the same features, so that merge_committee() makes one model of them. Null: none.
  const Model* share = nullptr;
  /// Polled after every batch: not empty (the reason) when the run should stop. Agreed on over all ranks.
  std::function<std::string()> stop_reason{};
  /// Folder for lcurve.csv, split.csv, checkpoint.train; must exist. The names are prefixed with `prefix`.
  std::string folder{}, prefix{};
  enum class Start { resume, fresh } start = Start::resume;  ///< resume: continue from a checkpoint when there is one
};

/// Root mean square errors of one part of the data during training; negative when there are no such labels.
struct PartErrors {
  double energy = -1;  ///< eV/atom
  double force = -1;   ///< eV/A, over components
  double virial = -1;  ///< stress * volume / atoms, eV/atom, over the six components
};

struct TrainResult {
  enum class Status {
    finished,      ///< epochs or time used up, or no improvement: `model` is the best one
    checkpointed,  ///< stopped on request: run again with Start::resume (exit code 75); `model` is the best one so far
  };
  Status status = Status::finished;
  std::string reason;  ///< why it ended, for people
  Model model;         ///< averaged weights of the best epoch, verified against the engine; no network before one epoch
  Index epochs = 0, best_epoch = 0;
  PartErrors train, valid;  ///< of `model`
  std::vector<Part> parts;  ///< the split that was used
  double minutes = 0;       ///< training time, all parts of a resumed run
};

/// Trains a model. Data-parallel over the ranks of the group and `threads` per rank, and bitwise reproducible: the
/// weights are the same for any number of ranks and threads, and for a run that was stopped and resumed (without
/// max_minutes).
///
/// @throws ConfigError (options), InputError (data that cannot be used, frame named), NumericalError (loss not finite,
///         frames named), InternalError (model disagrees with the engine), IoError, ResourceError
[[nodiscard]] TrainResult train(const TrainRequest& request);

}  // namespace haven

extern "C" {
/// Symbol "haven_train" of the module. haven::Error passes through.
void haven_train(const haven::TrainRequest* request, haven::TrainResult* result);
/// Type of the symbol, for dlsym.
using haven_train_function = void (*)(const haven::TrainRequest*, haven::TrainResult*);
}
