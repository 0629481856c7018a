#pragma once
#include <string>

#include "training/training_api.hpp"

namespace haven::training {

/// One epoch's row of lcurve.csv.
struct CurveRow {
  Index epoch = 0, step = 0;
  double rate = 0;
  PartErrors train, valid;
  double score = 0;
  double minutes = 0;
};

/// Makes the file with its header, or keeps the rows of the first `epochs` epochs: after a resume nothing is there
/// twice. An empty path means no curve. @throws IoError
void start_curve(const std::string& path, Index epochs);
/// Appends and flushes a row; errors without labels are left empty.
void append_curve(const std::string& path, const CurveRow& row);

}  // namespace haven::training
