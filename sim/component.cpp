#include <stdexcept>

#include "sim/model.hpp"

namespace sim
{

/* Far beyond any use, and far enough from 2^64 for sums of two. */
static const uint64_t TIME_MAX_PS = UINT64_C(1) << 61;

component::component(sc_core::sc_module_name name, model &owner)
    : sc_core::sc_module(name), soc(owner), wake("wake")
{
    SC_METHOD(wake_up);
    sensitive << wake;
    dont_initialize();
}

void component::at(uint64_t at_ps, due_what what, void *subject)
{
    if (at_ps > TIME_MAX_PS)
        throw std::overflow_error("the run takes longer than 2^61 ps");
    soc.events += at_ps > soc.now_ps; /* heads without latency take no time */
    size_t place = agenda.size();
    while (place > 0 && agenda[place - 1].at_ps < at_ps)
        place--;
    bool is_earliest = place == agenda.size();
    agenda.insert(agenda.begin() + (ptrdiff_t)place, due{ at_ps, subject, what });
    if (is_earliest && !awake) /* an earlier notification replaces the one that is pending */
        wake.notify(sc_core::sc_time::from_value(at_ps - soc.now_ps));
}

void component::wake_up()
{
    soc.tell_time();
    awake = true;
    while (!agenda.empty() && agenda.back().at_ps <= soc.now_ps) {
        due now = agenda.back();
        agenda.pop_back();
        happen(now);
    }
    awake = false;
    if (!agenda.empty())
        wake.notify(sc_core::sc_time::from_value(agenda.back().at_ps - soc.now_ps));
}

} // namespace sim
