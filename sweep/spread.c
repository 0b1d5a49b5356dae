/* Jobs and answers as bytes. */
#include <string.h>

#include "sweep/spread.h"

struct packed_job {
    struct sweep_job job;
    uint64_t mapping_bytes;
};

struct packed_answer {
    struct sweep_answer answer;
    uint64_t reason_bytes, mapping_bytes;
};

void sweep_answer_release(struct sweep_answer *answer)
{
    text_release(&answer->reason);
    text_release(&answer->mapping);
}

void sweep_spread_free(struct sweep_spread *spread)
{
    if (spread->free)
        spread->free(spread->ctx);
    memset(spread, 0, sizeof *spread);
}

void sweep_job_pack(const struct sweep_job *job, struct text *out)
{
    struct packed_job head;
    memset(&head, 0, sizeof head);
    head.job = *job;
    head.job.mapping = (struct text){ 0 };
    head.mapping_bytes = job->mapping.bytes;
    text_add_bytes(out, (const char *)&head, sizeof head);
    text_add_bytes(out, job->mapping.data, job->mapping.bytes);
}

bool sweep_job_unpack(const char *bytes, size_t count, struct sweep_job *out)
{
    struct packed_job head;
    if (count < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    if (count != sizeof head + head.mapping_bytes)
        return false;
    *out = head.job;
    text_add_bytes(&out->mapping, bytes + sizeof head, head.mapping_bytes);
    return true;
}

void sweep_answer_pack(const struct sweep_answer *answer, struct text *out)
{
    struct packed_answer head;
    memset(&head, 0, sizeof head);
    head.answer = *answer;
    head.answer.reason = head.answer.mapping = (struct text){ 0 };
    head.reason_bytes = answer->reason.bytes;
    head.mapping_bytes = answer->mapping.bytes;
    text_add_bytes(out, (const char *)&head, sizeof head);
    text_add_bytes(out, answer->reason.data, answer->reason.bytes);
    text_add_bytes(out, answer->mapping.data, answer->mapping.bytes);
}

bool sweep_answer_unpack(const char *bytes, size_t count, struct sweep_answer *out)
{
    struct packed_answer head;
    if (count < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    if (count != sizeof head + head.reason_bytes + head.mapping_bytes)
        return false;
    *out = head.answer;
    text_add_bytes(&out->reason, bytes + sizeof head, head.reason_bytes);
    text_add_bytes(&out->mapping, bytes + sizeof head + head.reason_bytes, head.mapping_bytes);
    return true;
}
