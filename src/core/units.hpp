#pragma once

/// Internal units: eV, angstrom, fs, amu, K, elementary charge. Every conversion factor of the program is in this file.
/// CODATA 2018 values.
namespace haven::units {

inline constexpr double boltzmann = 8.617333262e-5;                ///< eV/K
inline constexpr double electron_volt_in_joule = 1.602176634e-19;  ///< J/eV
inline constexpr double amu_in_kg = 1.66053906660e-27;             ///< kg/amu

/// Acceleration in A/fs^2 of 1 amu under 1 eV/A: (e / amu) in SI times 1e-10 (m -> A twice, fs twice).
inline constexpr double force_to_acceleration = electron_volt_in_joule / amu_in_kg * 1e-10;
/// eV for amu (A/fs)^2; kinetic energy is half of mass * v^2 * this.
inline constexpr double kinetic_to_ev = 1.0 / force_to_acceleration;

inline constexpr double ev_per_a3_in_gpa = 160.2176634;   ///< 1 eV/A^3 in GPa
inline constexpr double ev_per_a3_in_kbar = 1602.176634;  ///< 1 eV/A^3 in kbar ("kB" of VASP)
inline constexpr double a2_per_fs_in_cm2_per_s = 0.1;     ///< 1 A^2/fs = 1e-16 cm^2 / 1e-15 s
inline constexpr double a2_per_ps_in_cm2_per_s = 1e-4;    ///< 1 A^2/ps
inline constexpr double fs_per_ps = 1000.0;

// Atomic units, in which other programs write (CODATA 2018).
inline constexpr double bohr_in_angstrom = 0.529177210903;  ///< 1 bohr in A
inline constexpr double hartree_in_ev = 27.211386245988;    ///< 1 hartree in eV
inline constexpr double rydberg_in_ev = hartree_in_ev / 2;  ///< 1 rydberg in eV

/// Conductivity: e^2 D N / (V kB T) with D in cm^2/s, V in A^3 and kB T in eV gives e * 1e24 / ... in S/cm:
/// (1.602e-19 C)^2 cm^2/s / (1e-24 cm^3 * 1.602e-19 J) = 1.602e5 S/cm.
inline constexpr double conductivity_from_cm2_per_s = electron_volt_in_joule * 1e24;  ///< S/cm per (cm^2/s) / (A^3 eV)

}  // namespace haven::units
