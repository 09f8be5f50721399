/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the double of libtorch_cpu.so has of PyTorch 2.0 to 2.1: classes with the members that lie
 * where memsnoop looks for them, made by the library (its virtual tables are those looked for), and
 * functions with the same mangled names.  It is built for both of libstdc++'s kinds of std::string:
 * PyTorch's own wheels had the old one for long.
 */
#ifndef AUTOGRAD_DOUBLE_H
#define AUTOGRAD_DOUBLE_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace c10
{

struct StorageImpl {
	StorageImpl();
	virtual ~StorageImpl();
	std::size_t references = 1, weak = 1;
	void *data, *context = nullptr;
	void (*deleter)(void *) = nullptr;
	std::int8_t device[2] = {0, -1};
	std::size_t bytes;
};

struct TensorImpl {
	TensorImpl();
	virtual ~TensorImpl();
	std::size_t references = 1, weak = 1;
	StorageImpl *storage;
	void *meta = nullptr; /* a torch::autograd::AutogradMeta */
};

template <typename T> struct ArrayRef {
	const T *data;
	std::size_t length;
};

template <typename T> struct optional {
	bool has = false;
	T value;
};

} // namespace c10

namespace at
{

struct Tensor {
	c10::TensorImpl *impl = nullptr;
};

enum class RecordScope : std::uint8_t { FUNCTION = 0, USER_SCOPE = 7 };

struct RecordFunction {
	explicit RecordFunction(RecordScope scope);
	~RecordFunction();
	void end();
};

} // namespace at

namespace torch::autograd
{

struct Node {
	Node();
	virtual ~Node();
	std::uint64_t sequence = 0;
};

struct AutogradMeta {
	AutogradMeta();
	virtual ~AutogradMeta();
	std::string name;
	at::Tensor grad;
	std::shared_ptr<Node> grad_fn;
	std::weak_ptr<Node> grad_accumulator;
};

using variable_list = std::vector<at::Tensor>;

struct AccumulateGrad : Node {
	variable_list apply(variable_list &&gradients);
	at::Tensor variable;
};

namespace profiler
{

/* In PyTorch a pointer that counts; what matters is that it is returned in memory. */
using Record = std::unique_ptr<at::RecordFunction>;
Record record_function_enter_new(const std::string &name,
				 const c10::optional<std::string> &arguments);

} // namespace profiler

} // namespace torch::autograd

namespace at::_ops
{

struct mul__Tensor {
	static Tensor &call(Tensor &self, const Tensor &other);
};
struct _fused_adamw_ {
	using list = c10::ArrayRef<Tensor>;
	static void call(list self, list grads, list exp_avgs, list exp_avg_sqs,
			 list max_exp_avg_sqs, list state_steps, double lr, double beta1,
			 double beta2, double weight_decay, double eps, bool amsgrad, bool maximize,
			 const c10::optional<Tensor> &grad_scale,
			 const c10::optional<Tensor> &found_inf);
};

} // namespace at::_ops

#endif
