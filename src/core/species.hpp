#pragma once
#include <string_view>

namespace haven {

inline constexpr int max_atomic_number = 118;

/// Symbol of an element, "Li" for 3. @throws InputError outside 1..118.
[[nodiscard]] std::string_view element_symbol(int atomic_number);
/// Atomic number of a symbol (exact case), 0 when it is no element.
[[nodiscard]] int atomic_number(std::string_view symbol);
/// Standard atomic mass in amu (IUPAC 2021 abridged; the most stable isotope's mass number where there is none).
[[nodiscard]] double standard_mass(int atomic_number);

}  // namespace haven
