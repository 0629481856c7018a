#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/types.hpp"
#include "training/edges.hpp"
#include "training/layout.hpp"
#include "training/radial_table.hpp"

/// The three sweeps over neighbours that training needs. Each is linear in its input and runs in one thread; nothing of
/// size (edges x primitives x lm) is ever stored. Compiled for several instruction sets, chosen at run time.
namespace haven::training {

/// What the sweeps need to know about centres of one element.
template <class T>
struct EdgeProgram {
  CentreLayout layout;
  std::vector<RadialTable<T>> radial;  ///< per neighbour element, the functions of layout.groups[b]
};

/// One centre: its column in the moment matrices.
template <class T>
struct Column {
  const FrameEdges<T>* edges = nullptr;
  std::int32_t atom = 0;        ///< within the frame
  std::int32_t first_atom = 0;  ///< of the frame, in the force array
  std::int32_t frame = 0;       ///< row in the virial array
};

/// Buffers of one thread.
template <class T>
struct EdgeScratch {
  std::vector<T> local, row;
};

/// M[row][column] = sum_j phi_p(r_ij) Y_lm(u_ij).
template <class T>
void sum_moments(const EdgeProgram<T>& program, std::span<const Column<T>> columns, EdgeScratch<T>& scratch,
                 T* moments);

/// The adjoint of the change of M with positions: with G = dE/dM and f_ij = dE_i/dr_ij, adds f_ij to the force on i and
/// -f_ij to that on j (forces [atoms][3], eV/A) and -r_ij (x) f_ij to the frame's virial (virials [frames][9], eV).
template <class T>
void add_forces(const EdgeProgram<T>& program, std::span<const Column<T>> columns, EdgeScratch<T>& scratch,
                const T* moment_gradient, std::span<T> forces, std::span<double> virials);

/// The transpose of add_forces: given dL/dF [atoms][3] and dL/dW [frames][9], V = dL/dG, with the shape of M.
template <class T>
void sum_tangents(const EdgeProgram<T>& program, std::span<const Column<T>> columns, EdgeScratch<T>& scratch,
                  std::span<const T> force_gradient, std::span<const T> virial_gradient, T* tangents);

}  // namespace haven::training
