// T69: what the vectorised driver costs beside the scalar reference, counted in instructions by valgrind, so that the
// ratio depends neither on the machine nor on its load. Valgrind knows AVX2 and not AVX-512, whatever runs it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <sstream>

#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "support/imported_models.hpp"
#include "support/program.hpp"
#include "support/structures.hpp"
#include "support/surroundings.hpp"

namespace haven::testing {
namespace {

constexpr const char* valgrind = "/usr/bin/valgrind";
constexpr const char* request = "HAVEN_COUNTED_WORK";

struct Guarded {
  std::function<Model()> model;
  double ratio;  ///< scalar over vectorised in mixed precision, as it was when it was stored
};

const std::map<std::string, Guarded>& guarded() {
  const auto random = [](const char* kind) {
    return [kind] { return random_model({.kind = kind, .preset = "standard", .elements = {3, 8}, .cutoff = 5}); };
  };
  static const std::map<std::string, Guarded> all{
      {"moment", {random("moment"), 22.5}},           {"behler-parrinello", {random("behler-parrinello"), 14.0}},
      {"chebyshev", {random("chebyshev"), 40.5}},     {"n2p2", {made_up_n2p2, 10.4}},
      {"n2p2-compact", {made_up_n2p2_compact, 13.9}}, {"nep", {made_up_nep, 33.3}}};
  return all;
}

/// What the program below does under valgrind: "KIND scalar|vectorised CALLS".
TEST(InstructionGuard, Work) {
  const char* words = std::getenv(request);
  if (words == nullptr) GTEST_SKIP() << "is run by the test after it";
  std::istringstream list(words);
  std::string kind, driver;
  int calls = 0;
  list >> kind >> driver >> calls;
  const Model model = guarded().at(kind).model();
  const auto potential = driver == "scalar" ? reference::make_reference_potential(model)
                                            : make_vectorised_potential(model, Precision::mixed, Isa::avx2);
  Surroundings surroundings(*potential, random_structure({.atoms = 32, .elements = {3, 8}, .seed = 4}));
  for (int k = 0; k < calls; ++k) surroundings.evaluate(Wanted::forces);
}

double instructions_of(const std::string& kind, const std::string& driver, int calls) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const ProgramResult result =
      run_program({"/usr/bin/env", std::string(request) + "=" + kind + " " + driver + " " + std::to_string(calls),
                   "OMP_NUM_THREADS=1", valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", program,
                   "--gtest_filter=InstructionGuard.Work"},
                  std::filesystem::temp_directory_path().string());
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  const auto at = result.err.find("Collected : ");
  return at == std::string::npos ? 0 : std::stod(result.err.substr(at + 12));
}

// The driver's work is the difference of two counts: start-up and tables are in both.
TEST(InstructionGuard, NoRatioIsWorseThanItsStoredValueByATenth) {
  if (!std::filesystem::exists(valgrind)) GTEST_SKIP() << "no valgrind here";
  const std::vector<Isa> isas = available_isas();
  if (std::find(isas.begin(), isas.end(), Isa::avx2) == isas.end()) GTEST_SKIP() << "needs AVX2";
  for (const auto& [kind, stored] : guarded()) {
    const double scalar = instructions_of(kind, "scalar", 2) - instructions_of(kind, "scalar", 1);
    const double vectorised = (instructions_of(kind, "vectorised", 11) - instructions_of(kind, "vectorised", 1)) / 10;
    ASSERT_GT(vectorised, 0);
    EXPECT_GT(scalar / vectorised, 0.9 * stored.ratio) << kind << ": " << vectorised / 32 << " instructions per atom";
    RecordProperty(kind, std::to_string(scalar / vectorised));
  }
}

}  // namespace
}  // namespace haven::testing
