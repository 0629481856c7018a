#include "app/frames_of.hpp"

#include "io/dataset_file.hpp"
#include "io/structure_file.hpp"

namespace haven {

std::vector<Frame> frames_of(const std::string& path) {
  if (path.ends_with(".h5")) return read_dataset(path).frames;
  return read_frames(path);
}

}  // namespace haven
