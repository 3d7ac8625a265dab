#include "log-config.h"

#include "log-format.h"

/* A longer queue than this is a mistake. */
#define BUFFER_MAX (UINT64_C(1) << 30)

void log_config_take(struct cursor *payload, struct log_config *config) {
    config->driver = (enum log_driver)take_u32(payload);
    config->path = take_optional(payload);
    config->max = take_u64(payload);
    config->files = take_u32(payload);
    config->compress = take_bool(payload);
    config->buffer = take_u64(payload);
    config->transport = (enum log_transport)take_u32(payload);
    config->address = take_string(payload);
    config->port = take_u32(payload);
    for (int i = 0; i < 2; i++) config->numbers[i] = take_u32(payload);
    config->head = take_blob(payload);
    config->fields = take_blob(payload);
}

static bool has_file(enum log_driver driver) {
    return driver == LOG_JSON_FILE || driver == LOG_LOCAL || driver == LOG_K8S_FILE;
}

static const char *target_problem(const struct log_config *config) {
    if ((uint32_t)config->transport > TRANSPORT_TLS) return "unknown transport of the log";
    bool network = config->transport == TRANSPORT_UDP || config->transport == TRANSPORT_TCP;
    if (config->transport == TRANSPORT_NONE) return "the log has no place to go to";
    if (network && (config->address[0] == '\0' || config->port < 1 || config->port > 65535))
        return "the log's server has no address";
    return !network && config->address[0] != '/' ? "the path of the log's socket or program is not absolute" : NULL;
}

const char *log_config_problem(struct cursor *payload) {
    struct log_config config;
    log_config_take(payload, &config);
    if (payload->bad || (uint32_t)config.driver > LOG_GELF) return "unknown log driver";
    if (config.driver == LOG_NONE) return NULL;
    if (config.buffer > BUFFER_MAX) return "the log's buffer is larger than 1 GiB";
    if ((uint64_t)config.head.length + config.fields.length > LOG_EXTRA_MAX) return "more than 64 KiB for each entry of the log";
    if (!has_file(config.driver)) return target_problem(&config);
    if (config.path == NULL || config.path[0] != '/') return "the path of the log is not absolute";
    return config.files < 1 || config.files > 1000 ? "the number of log files is not between 1 and 1000" : NULL;
}

bool log_config_direct(const struct log_config *config) {
    return has_file(config->driver) && config->buffer == 0;
}
