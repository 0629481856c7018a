#pragma once
#include <cstddef>

#include "core/types.hpp"
#include "potentials/potential.hpp"
#include "potentials/program/drivers/cuda_image.hpp"
#include "potentials/program/drivers/cuda_warp.hpp"

/// What the kernels read and write, and the scratch memory of one warp.
namespace haven::gpu {

/// Position (A) and species together: one aligned 32-byte sector per random access instead of parts of two or three.
struct alignas(16) PackedAtom {
  double x = 0, y = 0, z = 0;
  std::int64_t species = 0;
};

/// Bits of the remarks of a centre.
enum Remark : unsigned char { remark_none = 0, remark_extrapolates = 1, remark_range = 2, remark_not_finite = 4 };

template <class T>
struct EvaluationView {
  ProgramView<T> program;
  const PackedAtom* atoms = nullptr;
  const Index* offsets = nullptr;  ///< the neighbour list, as NeighbourView
  const std::int32_t* entry_atom = nullptr;
  const std::int32_t* entry_shift = nullptr;
  const Vec3* translations = nullptr;
  const std::int32_t* order = nullptr;  ///< centres, grouped by element
  Index n_centres = 0;
  Wanted wanted = Wanted::forces;
  FixedVec3* forces = nullptr;        ///< per atom, added to
  FixedMat3* atom_virials = nullptr;  ///< per atom, added to when wanted
  double* energies = nullptr;         ///< per centre
  double* virials = nullptr;          ///< [centre][9], when wanted
  unsigned char* remarks = nullptr;   ///< per centre
};

/// Energies (eV) from here on are not summed but reported, as FixedSum does.
inline constexpr double largest_energy = 0x1p60;

/// 128-bit fixed-point sums as three limbs of weight 1, 2^32 and 2^64 in 64 bits each: sums of up to 2^31 centres
/// cannot overflow a limb, and every limb is an ordinary 64-bit atomic.
struct WideSum {
  std::int64_t limb[3] = {0, 0, 0};
};

struct Totals {
  WideSum energy;
  WideSum virial[9];
  std::int64_t extrapolating = 0;
  std::int64_t out_of_range = 0, not_finite = 0;  ///< centres with such a fault
};

inline constexpr int queue_size = 2 * warp_size;  ///< a power of two
/// Harmonics of a tile lie [lm][33]: lanes that write their own neighbour and lanes that read one neighbour's harmonics
/// both hit different banks.
inline constexpr int harmonics_stride = warp_size + 1;

/// Where the arrays of one warp's scratch memory begin, bytes.
struct ScratchLayout {
  int queue_atom = 0, queue_species = 0, tile_row = 0;
  int tile_fraction = 0, tile_radial = 0, tile_second = 0;
  int moments = 0, gradients = 0, block_gradients = 0, terms = 0, activations = 0, slopes = 0;
  int bytes = 0;
  int radial_stride = 4, activation_size = 4;
};

template <class T>
[[nodiscard]] constexpr ScratchLayout make_layout(const ScratchNeeds& needs) {
  ScratchLayout out;
  int next = 3 * queue_size * static_cast<int>(sizeof(double));  // the queue's displacements come first
  const auto take = [&next](int count, int size) {
    const int begin = next;
    next += (count * size + 15) / 16 * 16;
    return begin;
  };
  const int real = static_cast<int>(sizeof(T)), whole = static_cast<int>(sizeof(std::int32_t));
  out.queue_atom = take(queue_size, whole);
  out.queue_species = take(queue_size, whole);
  out.tile_row = take(warp_size, whole);
  out.tile_fraction = take(warp_size, real);
  out.tile_radial = take(warp_size * needs.radial_stride, real);
  // Harmonics are needed before the networks, slopes after them: they share their place.
  const int slopes = warp_size * needs.radial_stride, harmonics = needs.width * harmonics_stride;
  out.tile_second = take(slopes > harmonics ? slopes : harmonics, real);
  out.moments = take(needs.moments, real);
  out.gradients = take(needs.moments, real);
  out.block_gradients = take(needs.block_moments, real);
  out.terms = take(needs.terms, real);
  out.activations = take(2 * needs.activations, real);
  out.slopes = take(needs.slopes, real);
  out.bytes = next;
  out.radial_stride = needs.radial_stride;
  out.activation_size = needs.activations;
  return out;
}

/// Scratch memory of one warp. Only its begin is held; the arrays' places are in the launch's constant arguments, so
/// that they take no registers.
template <class T>
class Scratch {
 public:
  HAVEN_HD Scratch(unsigned char* memory, const ScratchLayout& layout) : memory_(memory), layout_(layout) {}

  /// Ring of neighbours within the cut-off: displacements (A), atoms, elements.
  HAVEN_HD double* queue_x() const { return at<double>(0); }
  HAVEN_HD double* queue_y() const { return queue_x() + queue_size; }
  HAVEN_HD double* queue_z() const { return queue_x() + 2 * queue_size; }
  HAVEN_HD std::int32_t* queue_atom() const { return at<std::int32_t>(layout_.queue_atom); }
  HAVEN_HD std::int32_t* queue_species() const { return at<std::int32_t>(layout_.queue_species); }
  /// Of each neighbour of a tile: its interval in the table, and where in the interval.
  HAVEN_HD std::int32_t* tile_row() const { return at<std::int32_t>(layout_.tile_row); }
  HAVEN_HD T* tile_fraction() const { return at<T>(layout_.tile_fraction); }
  /// [32][radial_stride] channels.
  HAVEN_HD T* tile_radial() const { return at<T>(layout_.tile_radial); }
  /// [lm][33] harmonics, later [32][radial_stride] slopes of the channels.
  HAVEN_HD T* tile_second() const { return at<T>(layout_.tile_second); }
  HAVEN_HD T* moments() const { return at<T>(layout_.moments); }
  HAVEN_HD T* gradients() const { return at<T>(layout_.gradients); }
  HAVEN_HD T* block_gradients() const { return at<T>(layout_.block_gradients); }
  /// Terms, later dE/dterms, with a zero behind the last.
  HAVEN_HD T* terms() const { return at<T>(layout_.terms); }
  /// Outputs of layer k (those of every second layer in one place), later their gradients.
  HAVEN_HD T* activations(int k) const { return at<T>(layout_.activations) + (k & 1) * layout_.activation_size; }
  /// Slopes of the activations of all layers.
  HAVEN_HD T* slopes() const { return at<T>(layout_.slopes); }
  HAVEN_HD int radial_stride() const { return layout_.radial_stride; }

 private:
  template <class V>
  HAVEN_HD V* at(int offset) const {
    return reinterpret_cast<V*>(memory_ + offset);
  }
  unsigned char* memory_;
  const ScratchLayout& layout_;
};

/// Four numbers, one or two 128-bit accesses on the GPU.
template <class T>
struct alignas(16) Four {
  T v[4];
};
template <class T>
HAVEN_HD inline Four<T> load4(const T* p) {
#ifdef __CUDA_ARCH__
  return *reinterpret_cast<const Four<T>*>(p);
#else
  return {p[0], p[1], p[2], p[3]};
#endif
}

}  // namespace haven::gpu
