#pragma once

#include "kernels/args.h"
#include "kernels/queue.h"

namespace pisr::kernels {

/// weighted_loss by the kernels loss and loss_backward of a back end.
template <class T>
void run_term_by_term(Queue& queue, const WeightedLossArgs<T>& args,
                      void (*loss)(Queue&, const LossArgs<T>&),
                      void (*loss_backward)(Queue&, const LossBackwardArgs<T>&)) {
  T total = 0;
  for (const WeightedTerm<T>* term = args.terms; term != args.terms + args.count; ++term) {
    const LossArgs<T>& a = term->loss;
    loss(queue, a);
    total += term->weight == 0 ? 0 : term->weight * *a.y;
    if (term->dtarget != nullptr || term->dlocation != nullptr || term->dspread != nullptr) {
      loss_backward(queue,
                    {a.op, a.count, a.target, a.location, a.spread, &term->weight, term->dtarget,
                     term->dlocation, term->dspread, Store::write, Store::write, Store::write});
    }
  }
  *args.total = total;
}

}  // namespace pisr::kernels
