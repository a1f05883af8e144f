{
  "variables": {
    "sanitize%": ""
  },
  "targets": [
    {
      "target_name": "portside",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('native/core').concat().filter((f) => f.endsWith('.cc')).map((f) => 'native/core/' + f).join(' ')\")",
        "<!@(node -p \"require('fs').readdirSync('native/binding').filter((f) => f.endsWith('.cc')).map((f) => 'native/binding/' + f).join(' ')\")"
      ],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra", "-Wconversion", "-Wno-unused-parameter"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fvisibility-inlines-hidden"],
      "cflags_cc!": ["-std=gnu++17", "-fexceptions"],
      "configurations": { "Release": { "cflags": ["-O3"] } },
      "conditions": [
        ["sanitize!=''", {
          "cflags": ["-fsanitize=<(sanitize)", "-fno-omit-frame-pointer", "-g"],
          "ldflags": ["-fsanitize=<(sanitize)"]
        }]
      ]
    }
  ]
}
