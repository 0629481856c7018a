#pragma once
#include <string>
#include <vector>

/// Small good inputs for each fuzz target, made by the project's own writers.
namespace haven::fuzz {

[[nodiscard]] std::vector<std::string> poscar_seeds();
[[nodiscard]] std::vector<std::string> outcar_seeds();
[[nodiscard]] std::vector<std::string> vasprun_seeds();
[[nodiscard]] std::vector<std::string> extxyz_seeds();
[[nodiscard]] std::vector<std::string> import_seeds();
[[nodiscard]] std::vector<std::string> vaspout_seeds();
[[nodiscard]] std::vector<std::string> mlab_seeds();
[[nodiscard]] std::vector<std::string> n2p2_seeds();
[[nodiscard]] std::vector<std::string> xsf_seeds();
[[nodiscard]] std::vector<std::string> espresso_seeds();
[[nodiscard]] std::vector<std::string> cif_seeds();
[[nodiscard]] std::vector<std::string> lammps_seeds();
[[nodiscard]] std::vector<std::string> npy_seeds();
[[nodiscard]] std::vector<std::string> xdatcar_seeds();
[[nodiscard]] std::vector<std::string> dump_seeds();
[[nodiscard]] std::vector<std::string> dcd_seeds();
[[nodiscard]] std::vector<std::string> xtc_seeds();
[[nodiscard]] std::vector<std::string> h5md_seeds();
[[nodiscard]] std::vector<std::string> config_seeds();
[[nodiscard]] std::vector<std::string> text_seeds();
[[nodiscard]] std::vector<std::string> model_seeds();
[[nodiscard]] std::vector<std::string> dataset_seeds();
[[nodiscard]] std::vector<std::string> checkpoint_seeds();
[[nodiscard]] std::vector<std::string> cp2k_seeds();
[[nodiscard]] std::vector<std::string> deepmd_seeds();
[[nodiscard]] std::vector<std::string> table_seeds();
[[nodiscard]] std::vector<std::string> nep_seeds();
[[nodiscard]] std::vector<std::string> n2p2_potential_seeds();
[[nodiscard]] std::vector<std::string> aenet_seeds();
[[nodiscard]] std::vector<std::string> trajectory_seeds();

}  // namespace haven::fuzz
