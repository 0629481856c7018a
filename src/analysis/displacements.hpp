#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/track_file.hpp"
#include "analysis/trajectory_source.hpp"

namespace haven {

/// Whose motion is subtracted from every ion.
enum class Drift {
  host,       ///< plain mean over the atoms that are not mobile: the site network defines rest
  host_mass,  ///< their centre of mass
  total,      ///< centre of mass of all atoms; collective quantities then depend on the frame of reference
};

/// Settings of the pass over a trajectory.
struct CollectOptions {
  std::vector<int> mobile;                          ///< atomic numbers of the mobile species
  double skip_ps = 0;                               ///< start of the trajectory that is left out (equilibration)
  Drift drift = Drift::host;                        ///< without a host it is always the total
  std::size_t memory_bytes = std::size_t{3} << 29;  ///< tracks that are longer go to a file
  std::string scratch{};                            ///< folder of that file; empty: that of temporary files (TMPDIR)
};

/// Host atoms thinned to a few hundred frames, drift removed: enough to see whether the framework stays.
struct HostTrack {
  std::vector<int> numbers;               ///< atomic number of each host atom
  std::vector<std::vector<Vec3>> frames;  ///< [frame][atom], A
  double interval_ps = 0;
  double nearest_distance =
      0;  ///< A, median distance of a host atom to its nearest host neighbour, first frame; 0 with fewer than two
};

/// Sum of the velocities of the mobile ions of one element, relative to the host, at every frame of the file.
struct VelocitySum {
  int number = 0;
  std::array<std::vector<double>, 3> sum;  ///< [axis][frame], A/fs
};

/// Temperature that a run had, from what its files say of single frames.
struct MeasuredTemperature {
  double mean_K = 0;
  double error_K = 0;  ///< standard error of the mean, from ten stretches of the run; the whole mean with fewer frames
  Index frames = 0;
};

/// Where one ion is at every frame, A.
class IonPath {
 public:
  explicit IonPath(std::array<std::span<const double>, 3> axes) : axes_(axes) {}
  /// Owns its numbers: all x, all y, all z.
  explicit IonPath(std::vector<double> values);
  IonPath(IonPath&&) = default;
  [[nodiscard]] std::span<const double> operator[](std::size_t axis) const { return axes_[axis]; }
  [[nodiscard]] Vec3 at(std::size_t frame) const { return {axes_[0][frame], axes_[1][frame], axes_[2][frame]}; }

 private:
  std::vector<double> own_;
  std::array<std::span<const double>, 3> axes_;
};

/// Continuous, drift-free tracks of the mobile ions of one run, in memory, or in a file when they are long.
///
/// Fractional coordinates are made continuous by adding nearest-image steps, and are turned into lengths with the mean
/// cell. A cell that breathes therefore moves nobody: the scheme preserves the toroidal view in the sense of
/// Bullerjahn, von Buelow, Heidari, Henin & Hummer, JCTC 19, 3406 (2023), which image counting in a varying cell does
/// not.
struct IonTracks {
  std::string path;
  std::vector<int> numbers;                 ///< atomic number of each mobile ion
  std::vector<std::vector<double>> series;  ///< [3 * ion + axis][frame], A; empty when they are in the file
  std::shared_ptr<const TrackFile> stored;  ///< the same in fractions of the mean cell
  Index n_frames = 0;
  double interval_ps = 0;  ///< between frames
  double volume = 0;       ///< A^3, mean cell
  double volume_sd = 0;    ///< A^3, 0 for a fixed cell
  Mat3 mean_cell{};
  double temperature_K = 0;                       ///< as the file says, 0 if unknown
  std::optional<MeasuredTemperature> measured{};  ///< when the file says it of its frames
  double max_step = 0;                            ///< A, largest step of any atom between stored frames
  double half_height = 0;                         ///< A, half the smallest distance of opposite faces
  double drift_length = 0;                        ///< A, how far the host moved from start to end
  double mobile_spacing =
      0;  ///< A, median distance of a mobile ion to its nearest mobile neighbour in the first frame; 0 for one ion
  Index filled = 0;                  ///< missing frames that were interpolated
  std::vector<std::string> remarks;  ///< of the source
  Drift drift = Drift::host;
  Wrapping wrapping = Wrapping::wrapped;
  HostTrack host;
  std::vector<VelocitySum> velocities;  ///< empty when the file has none in every frame
  double velocity_interval_ps = 0;
  std::optional<LiveTransport> live;  ///< what the run itself measured of these frames and ions

  [[nodiscard]] Index n_ions() const { return static_cast<Index>(numbers.size()); }
  /// The track of one ion, wherever it is. @throws IoError when the file cannot be read
  [[nodiscard]] IonPath ion(std::size_t index) const;
  /// Time between the first and the last frame.
  [[nodiscard]] double duration_ps() const {
    return interval_ps * static_cast<double>(n_frames > 0 ? n_frames - 1 : 0);
  }
};

/// Reads a whole trajectory. Host = all atoms that are not mobile; without any, the centre of mass is subtracted
/// (Drift::total). Single frames missing from an unwrapped trajectory are interpolated, up to 1 %.
/// @throws InputError for fewer than 2 frames, missing mobile species, uneven frame times, changing atoms, or steps of
/// a wrapped
///         trajectory that reach half the cell (the nearest image is then ambiguous). IoError when tracks longer than
///         the memory limit find no room on the disk.
[[nodiscard]] IonTracks collect_tracks(TrajectorySource& source, const CollectOptions& options);
}  // namespace haven
