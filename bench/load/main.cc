// The load generator: one process, one core, one slice. `load` alone tells how to use it.
#include <csignal>
#include <cstdio>
#include <cstring>

#include "modes.h"
#include "net.h"
#include "options.h"

int main(int argc, char** argv) {
  if (argc < 2 || std::strcmp(argv[1], "--help") == 0) {
    std::fputs(load::kUsage, argc < 2 ? stderr : stdout);
    return argc < 2 ? 2 : 0;
  }
  const load::Options options = load::parse_options(argc, argv);
  // OpenSSL writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  load::raise_file_limit();
  load::pin_to_core(options.core);
  if (options.mode == "echo") return load::run_echo(options);
  if (options.mode == "crr" || options.mode == "accept") return load::run_churn(options);
  if (options.mode == "idle") return load::run_idle(options);
  if (options.mode == "receive" || options.mode == "send") return load::run_bulk(options);
  if (options.mode == "udp-echo") return load::run_udp_echo(options);
  if (options.mode == "udp-receive") return load::run_udp_receive(options);
  if (options.mode == "udp-send") return load::run_udp_send(options);
  std::fprintf(stderr, "load: unknown mode %s\n\n%s", options.mode.c_str(), load::kUsage);
  return 2;
}
