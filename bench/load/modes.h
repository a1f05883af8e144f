// The kinds of load. Each prints one line and answers the program's exit code.
#pragma once

#include "options.h"

namespace load {

// A closed loop: every connection has one message in flight. (echo.cc)
int run_echo(const Options& options);

// Connections that live for one request (`crr`) or for none (`accept`). (churn.cc)
int run_churn(const Options& options);

// Connections that do nothing. (idle.cc)
int run_idle(const Options& options);

// A stream of bytes in one direction: to the server (`receive`) or from it (`send`). (bulk.cc)
int run_bulk(const Options& options);

// A closed loop of datagrams. (udp_echo.cc)
int run_udp_echo(const Options& options);

// Datagrams to the server, more than it can read. (udp_receive.cc)
int run_udp_receive(const Options& options);

// Datagrams from the server, as many as it can make. (udp_send.cc)
int run_udp_send(const Options& options);

}  // namespace load
