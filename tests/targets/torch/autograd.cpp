/* SPDX-License-Identifier: GPL-2.0 */
/* A double of libtorch_cpu.so: what it does is only to be called. */
#include "autograd.h"

/* Does nothing, and is not left out. */
#define NOTHING __asm__ volatile("" ::: "memory")

c10::StorageImpl::StorageImpl() = default;
c10::StorageImpl::~StorageImpl() = default;
c10::TensorImpl::TensorImpl() = default;
c10::TensorImpl::~TensorImpl() = default;
torch::autograd::Node::Node() = default;
torch::autograd::Node::~Node() = default;
torch::autograd::AutogradMeta::AutogradMeta() = default;
torch::autograd::AutogradMeta::~AutogradMeta() = default;

at::RecordFunction::RecordFunction(RecordScope)
{
	NOTHING;
}

void at::RecordFunction::end()
{
	NOTHING;
}

at::RecordFunction::~RecordFunction()
{
	end();
}

namespace torch::autograd
{

variable_list AccumulateGrad::apply(variable_list &&gradients)
{
	NOTHING;
	return std::move(gradients);
}

profiler::Record profiler::record_function_enter_new(const std::string &,
						     const c10::optional<std::string> &)
{
	return std::make_unique<at::RecordFunction>(at::RecordScope::USER_SCOPE);
}

} // namespace torch::autograd

at::Tensor &at::_ops::mul__Tensor::call(Tensor &self, const Tensor &)
{
	NOTHING;
	return self;
}

void at::_ops::_fused_adamw_::call(list, list, list, list, list, list, double, double, double,
				   double, double, bool, bool, const c10::optional<Tensor> &,
				   const c10::optional<Tensor> &)
{
	NOTHING;
}
