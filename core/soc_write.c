/* A loaded SoC as soc/1 JSON, every default written out; it loads again to the same SoC. */
#include "core/soc.h"
#include "core/text.h"

#define PS_PER_NS 1000.0

static void write_rate(struct json_out *json, const char *key, uint64_t rate)
{
    if (rate == 0)
        json_out_str(json, key, "unlimited");
    else
        json_out_u64(json, key, rate);
}

static void write_place(const struct soc *soc, struct json_out *json, const char *key,
                        uint32_t place)
{
    switch (soc->network.topology) {
    case SOC_MESH:
        json_out_array(json, key, true);
        json_out_u64(json, NULL, place % soc->network.columns);
        json_out_u64(json, NULL, place / soc->network.columns);
        json_out_end(json);
        break;
    case SOC_LINKS:
        json_out_str(json, key, soc->place_names[place]);
        break;
    default:
        json_out_u64(json, key, place);
    }
}

static void write_links(const struct soc *soc, struct json_out *json)
{
    json_out_array(json, "places", true);
    for (size_t place = 0; place < soc->place_count; place++)
        json_out_str(json, NULL, soc->place_names[place]);
    json_out_end(json);
    json_out_array(json, "links", false);
    for (size_t i = 0; i < soc->link_count; i++) {
        const struct soc_link *link = &soc->links[i];
        json_out_object(json, NULL, true);
        json_out_str(json, "from", soc->place_names[link->from]);
        json_out_str(json, "to", soc->place_names[link->to]);
        write_rate(json, "bytes_per_s", link->bytes_per_s);
        json_out_real(json, "latency_ns", (double)link->latency_ps / PS_PER_NS);
        json_out_end(json);
    }
    json_out_end(json);
}

static void write_network(const struct soc *soc, struct json_out *json)
{
    const struct soc_network *network = &soc->network;
    json_out_object(json, "network", false);
    json_out_str(json, "topology", soc_topology_names[network->topology]);
    json_out_str(json, "switching", soc_switching_names[soc->switching]);
    if (network->topology == SOC_LINKS) {
        write_links(soc, json);
    } else {
        if (network->topology == SOC_MESH) {
            json_out_u64(json, "columns", network->columns);
            json_out_u64(json, "rows", network->rows);
        } else {
            json_out_u64(json, "places", soc->place_count);
        }
        write_rate(json, "link_bytes_per_s", network->link_bytes_per_s);
        json_out_real(json, "hop_latency_ns", (double)network->hop_latency_ps / PS_PER_NS);
    }
    json_out_end(json);
}

static void write_accelerator(const struct soc *soc, const struct soc_accelerator *acc,
                              struct json_out *json)
{
    json_out_object(json, NULL, false);
    json_out_str(json, "name", acc->name);
    write_place(soc, json, "place", acc->place);
    json_out_u64(json, "clock_hz", acc->clock_hz);
    json_out_u64(json, "pe_rows", acc->pe_rows);
    json_out_u64(json, "pe_cols", acc->pe_cols);
    json_out_str(json, "dataflow", acc->dataflow->name);
    json_out_array(json, "supports", true);
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++)
        if (acc->supports & 1u << kind)
            json_out_str(json, NULL, op_kind_names[kind]);
    json_out_end(json);
    json_out_u64(json, "shared_layers_max", acc->shared_layers_max);
    json_out_u64(json, "scratchpad_bytes", acc->scratchpad_bytes);
    write_rate(json, "scratchpad_bytes_per_cycle", acc->scratchpad_bytes_per_cycle);
    write_rate(json, "local_bytes_per_s", acc->local_bytes_per_s);
    json_out_u64(json, "vector_lanes", acc->vector_lanes);
    json_out_end(json);
}

static void write_channel(const struct soc *soc, const struct soc_channel *channel,
                          struct json_out *json)
{
    json_out_object(json, NULL, true);
    json_out_str(json, "name", channel->name);
    if (channel->unlimited) {
        json_out_bool(json, "unlimited", true);
    } else {
        write_place(soc, json, "place", channel->place);
        write_rate(json, "bytes_per_s", channel->bytes_per_s);
        json_out_real(json, "latency_ns", (double)channel->latency_ps / PS_PER_NS);
    }
    json_out_end(json);
}

static void write_energy(const struct soc_energy *energy, struct json_out *json)
{
    json_out_object(json, "energy", false);
    json_out_real(json, "mac_pj", energy->mac_pj);
    json_out_real(json, "register_pj_per_byte", energy->register_pj_per_byte);
    json_out_real(json, "scratchpad_pj_per_byte", energy->scratchpad_pj_per_byte);
    json_out_real(json, "hop_pj_per_byte", energy->hop_pj_per_byte);
    json_out_real(json, "memory_pj_per_byte", energy->memory_pj_per_byte);
    json_out_real(json, "pe_idle_pj_per_cycle", energy->pe_idle_pj_per_cycle);
    json_out_end(json);
}

/* --- the whole ------------------------------------------------------------------------------- */

void soc_write(const struct soc *soc, struct text *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "soc/1");
    json_out_str(&json, "name", soc->name);
    if (soc->source[0])
        json_out_str(&json, "source", soc->source);
    if (soc->note[0])
        json_out_str(&json, "note", soc->note);
    write_network(soc, &json);
    json_out_array(&json, "accelerators", false);
    for (size_t i = 0; i < soc->accelerator_count; i++)
        write_accelerator(soc, &soc->accelerators[i], &json);
    json_out_end(&json);
    json_out_array(&json, "memory", false);
    for (size_t i = 0; i < soc->channel_count; i++)
        write_channel(soc, &soc->channels[i], &json);
    json_out_end(&json);
    write_energy(&soc->energy, &json);
    json_out_array(&json, "dataflows", false);
    for (size_t i = 0; i < soc->dataflow_count; i++)
        dataflow_write(&soc->dataflows[i], &json, NULL);
    json_out_end(&json);
    json_out_end(&json);
}
