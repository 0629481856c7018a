#include <cstdio>
#include <filesystem>
#include <fstream>

#include "fuzz/targets.hpp"

namespace {

std::string escaped(const std::string& word) {
  std::string text;
  char buffer[8];
  for (const char c : word) {
    std::snprintf(buffer, sizeof buffer, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += buffer;
  }
  return text;
}

}  // namespace

/// fuzz_seeds FOLDER: writes FOLDER/TARGET/seed_N and FOLDER/TARGET.dict of every target.
int main(int count, char** words) {
  if (count != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = words[1];
  for (const haven::fuzz::Target& target : haven::fuzz::targets()) {
    const std::filesystem::path own = folder / target.name;
    std::filesystem::create_directories(own);
    int number = 0;
    for (const std::string& seed : target.seeds())
      std::ofstream(own / ("seed_" + std::to_string(number++)), std::ios::binary) << seed;
    std::ofstream dictionary(folder / (std::string(target.name) + ".dict"));
    for (const std::string& word : target.words) dictionary << '"' << escaped(word) << "\"\n";
  }
  return 0;
}
