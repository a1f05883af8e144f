// The four kinds of load. Each prints one line and answers the program's exit code.
#pragma once

#include "options.h"

namespace load {

// A closed loop: every connection has one message in flight. (echo.cc)
int run_echo(const Options& options);

// Connections that live for one request (`crr`) or for none (`accept`). (churn.cc)
int run_churn(const Options& options);

// Connections that do nothing. (idle.cc)
int run_idle(const Options& options);

}  // namespace load
