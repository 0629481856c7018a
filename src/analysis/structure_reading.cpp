#include "analysis/structure_reading.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "analysis/transport_output.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

double number(const Json& value) { return value.is_null() ? 0.0 : value.get<double>(); }

HopSpread spread_of(const Json& hops) {
  HopSpread out;
  out.mean_hops = number(hops.at("hops_per_ion"));
  out.dispersion = number(hops.at("variance_over_mean")), out.poisson_p = number(hops.at("p_poisson"));
  out.half_share = number(hops.at("share_of_ions_with_half_of_the_hops"));
  out.half_share_poisson = number(hops.at("share_of_ions_with_half_of_the_hops_poisson"));
  out.lag_ps = number(hops.at("msd_lag_ps")), out.mean_msd = number(hops.at("msd_A2"));
  out.msd_spread = number(hops.at("msd_relative_spread"));
  out.msd_spread_expected = number(hops.at("msd_relative_spread_equal_ions"));
  return out;
}

StructureSummary summary_of(const Json& json, const std::string& path) {
  StructureSummary out;
  out.temperature_K = number(json.at("temperature_K"));
  for (const Json& type : json.at("network").at("types"))
    out.types.push_back(
        {type.at("sites").get<long long>(), number(type.at("occupation")), number(type.at("occupation_sd"))});
  out.spread = spread_of(json.at("hops"));
  const Json& c = json.at("coefficients");
  const auto estimate = [&](const char* key) { return estimate_from_json(c.at(key).dump(), path); };
  out.factors = {.hop = estimate("D_hop_cm2_per_s"),
                 .tracer = estimate("D_tracer_cm2_per_s"),
                 .collective = estimate("D_sigma_cm2_per_s"),
                 .f = estimate("f"),
                 .f_I = estimate("f_I"),
                 .haven_ratio = estimate("haven_ratio")};
  out.remarks = json.at("remarks").get<std::vector<std::string>>();
  return out;
}

}  // namespace

StructureSummary structure_from_json(const std::string& text, const std::string& path) {
  try {
    return summary_of(Json::parse(text), path);
  } catch (const Json::exception& e) {
    throw InputError("this is no result of `haven transport structure`: " + std::string(e.what()), path,
                     "Run `haven transport structure` of this version again.");
  }
}

std::optional<StructureSummary> structure_beside(const std::string& transport_file, const TransportResult& result,
                                                 std::size_t temperatures) {
  const fs::path folder = fs::path(transport_file).parent_path();
  fs::path path = folder / ("structure_" + result.label) / "structure.json";
  if (!fs::is_regular_file(path) && temperatures == 1) path = folder / "structure.json";
  if (!fs::is_regular_file(path)) return std::nullopt;
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  StructureSummary found = structure_from_json(text, path.string());
  constexpr double tolerated = 0.05;  // between the nominal temperature and the one that a run had
  if (found.temperature_K > 0 && std::abs(found.temperature_K / result.temperature_K - 1.0) > tolerated)
    throw InputError(fmt::format("is of {:g} K, the transport result beside it of {:g} K", found.temperature_K,
                                 result.temperature_K),
                     path.string(), "Put results of one temperature into one folder.");
  return found;
}

}  // namespace haven
