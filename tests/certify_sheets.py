"""Sheets whose every printed line is checked, besides those that come with Backhand: each holds what others lack."""

SHEETS = {
    "softmax": """
input x[2]
target t[3]
z = W @ x + b
p = softmax(z)
cost C = cross_entropy(p, t)
W = [[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]]; b = [0.1, 0, -0.1]
rate 0.1
data
x[1], x[2], t[1], t[2], t[3]
0.5, 1, 1, 0, 0
1, -0.3, 0, 0, 1
""",
    "softmax on z": """
input x[2]
target t[3]
h = tanh(V @ x + c)
z = W @ h + b
cost C = softmax_cross_entropy(z, t)
V = [[0.3, 0.7], [-0.9, 0.2]]; c = [0.05, -0.02]
W = [[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]]; b = [0.1, 0, -0.1]
rate 0.1
update momentum
mode online
data
x[1], x[2], t[1], t[2], t[3]
0.5, 1, 1, 0, 0
1, -0.3, 0, 0, 1
""",
    "functions": """
input x, D
target t
a1 = leaky(w1*x + w2*D + b1, 0.1)
a2 = elu(w3*x - w4*D, s)
a3 = gelu(w5*a1 + a2)
a4 = selu(w6*a3 - a1)
a5 = silu(w7*a4) + softplus(w7*a3)
y = w8*a5 + abs(w9*a2) - exp(-x^2)*sqrt(1 + a1²) + log(2 + D²)
cost C = huber(y, t, 0.5)
w1 = 0.3; w2 = -0.4; w3 = 0.7; w4 = 0.9; w5 = 1.3; w6 = -0.2; w7 = 0.35; w8 = -1.1; w9 = 0.6; b1 = 0.1; s = 0.7
rate 0.1
data
x, D, t
0.5, 0.3, 0.2
-0.3, 0.1, -0.4
1.2, -0.9, 3
""",
    "penalties": """
input x
target t
a = sigmoid(w1*x + b1)
y = w2*a + b2
cost C = sum((y - t)^2)/(2*N) + 0.05*(w1^2 + w2^2) + 0.01*abs(b1)
w1 = 0.3; w2 = -0.4; b1 = -0.2; b2 = 0.1
rate 0.1
mode batches of 2
data
x, t
0.5, 0.3
-0.3, 0.1
1.2, -0.9
""",
    "matrix penalty": """
input x[2]
target t[2]
y = tanh(W @ x + b)
cost C = mean((y - t)^2) + 0.1*(W^2) - 0.3*(b @ b)
W = [[0.1, -0.2], [0.4, 0.3]]; b = [0.1, -0.3]
rate 0.1
update nesterov 0.8
data
x[1], x[2], t[1], t[2]
0.5, 1, 1, 0
1, -0.3, 0, 1
""",
    "shared and skips": """
input x, u
target t
h1 = tanh(w*x + v*u)
h2 = tanh(w*h1 + v*x)
y = w*h2 - h1*u/(1 + v²) + (h1 - h2)^3 - 2^h1^2 - -w*x + (1 + x^2)^-1
cost C = mean((y - t)^2)/2
w = 0.8; v = -0.6
rate 0.05
update rmsprop
data
x, u, t
0.5, 0.3, 0.2
-0.3, 0.1, -0.4
""",
    "choices": """
input x[3]
target t
m = max(w1*x, 0.1, b)
n = min(m, k*x)
d = n @ c
y = d - x @ x + max(d, w2)
const k = 0.3
cost C = mean(abs(y - t))
w1 = 0.7; b = [0.2, -0.1, 0.4]; c = [1, -2, 0.5]; w2 = 0.25
rate 0.1
update adagrad
data
x[1], x[2], x[3], t
0.5, 0.3, 0.2, 1
-0.3, 0.1, -0.4, 0.5
""",
    "stacks": """
input x1, x2
target t
h = sigmoid(W1 @ [x1, x2] + b1)
q = [h[1]*h[2], h[2] - x1, -h[1]]
y = v @ q + W2[1]@h - W2[2,1]
cost C = sum((y - t)^2)
W1 = [[0.1, -0.2], [0.4, 0.3]]; b1 = [0, 0.1]; v = [0.5, -0.4, 0.3]; W2 = [[0.2, 0.3], [0.7, -0.6]]
rate 0.1
update adamw
data
x1, x2, t
0.5, 0.3, 0.2
-0.3, 0.1, -0.4
""",
    "two hidden layers": """
input x[2]
target t[2]
layers x -> 3 linear -> 2 relu -> 2 sigmoid as y
cost C = binary_cross_entropy(y, t)
start normal seed 3
rate 0.5
update adam
mode batches of 2
data
x[1], x[2], t[1], t[2]
0.5, 1, 1, 0
1, -0.3, 0, 1
-1, 0.7, 0, 0
""",
    "no rate": """
input x
target t
y = step(w*x) + w*x
cost C = mse(y, t)
w = 0.3
data
x, t
1, 2
""",
    "no data": """
y = w*v - 3
cost C = y^2
w = 0.3; v = 2
rate 0.1
""",
    "scalar and vector of one": """
input x
target t
h = relu(W @ x + b)
y = V @ h + c
cost C = sum((y - t)^2) + 0.1*c
W = [[0.3], [0.4]]; b = 0.1; V = [[0.5, -0.6]]; c = 0.2
rate 0.1
data
x, t
1, 2
2, -1
""",
    "negative names": """
input x
target t
z = -w*x
a = -z
y = -a + b
cost C = -mean((y - t)^2)
w = 0.3; b = -0.5
rate -0.1
data
x, t
-1, 2
2, -1
""",
    "gaps": """
input x1, x2
target t
z1 = w1*x1 + b1
a1 = tanh(z1)
z2 = w2*x1 + w3*x2
a2 = tanh(z2)
y = v1*a1 + v2*a2 + c
cost C = mean((y - t)^2)
w1 = 0.3; b1 = 0.2; w2 = -0.4; w3 = 0.6; v1 = 0.5; v2 = -0.7; c = 0.1
rate 0.1
data
x1, x2, t
1, 2, 0.5
-1, 0.4, 0.3
""",
    "two softmaxes": """
input x[2]
target t[2]
p = softmax(W1 @ x + b1)
q = softmax(W2 @ x + b2)
h = [p[1], q[2]]
cost C = mean((p - t)^2 + (q - t)^2)
W1 = [[0.1, -0.2], [0.4, 0.3]]; b1 = [0.1, -0.3]; W2 = [[0.5, -0.2], [0.4, 0.7]]; b2 = [0.1, 0.3]
rate 0.1
data
x[1], x[2], t[1], t[2]
0.5, 1, 1, 0
1, -0.3, 0, 1
""",
    "thirteen": """
input x[14]
target t
y = w @ x + b
cost C = mean((y - t)^2)
w = [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8, 0.9, -1, 1.1, -1.2, 1.3, -1.4]; b = 0.1
rate 0.001
data
x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12], x[13], x[14], t
1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12, 13, -14, 16
""",
    "hidden in the cost": """
input x1, x2
target t
z1 = w1*x1 + w2*x2 + b1
a1 = tanh(z1)
z2 = w3*x1 + w4*x2 + b2
a2 = tanh(z2)
y = v1*a1 + v2*a2 + c
cost C = mean((y - t)^2 + 0.1*a1^2)
w1 = 0.3; b1 = 0.2; w2 = -0.4; w3 = 0.6; w4 = 0.1; b2 = 0; v1 = 0.5; v2 = -0.7; c = 0.1
rate 0.1
data
x1, x2, t
1, 2, 0.5
-1, 0.4, 0.3
""",
    "hidden vector squared": """
input x[2]
target t
h = tanh(W @ x + b)
y = V @ h + c
cost C = mean((y - t)^2 + 0.1*(h @ h))
W = [[0.1, -0.2], [0.4, 0.3]]; b = [0.1, -0.3]; V = [[0.5, -0.2]]; c = [0.1]
rate 0.1
data
x[1], x[2], t
0.5, 1, 1
1, -0.3, 0
""",
    "softmax beside": """
input x[2]
target t[3]
z = W @ x + b
p = softmax(z)
cost C = softmax_cross_entropy(z, t)
W = [[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]]; b = [0.1, 0, -0.1]
rate 0.1
data
x[1], x[2], t[1], t[2], t[3]
0.5, 1, 1, 0, 0
1, -0.3, 0, 0, 1
""",
    "hidden softmax": """
input x[2]
target t
layers x -> 3 softmax -> 1 linear as y
cost C = mse(y, t)
start xavier seed 2
rate 0.1
data
x[1], x[2], t
0.5, 1, 1
1, -0.3, 0
""",
    "tied": """
input x[2]
target t[2]
h = tanh(W @ x + b)
y = W @ h + c
cost C = mse(y, t)
W = [[0.1, -0.2], [0.4, 0.3]]; b = [0.1, -0.3]; c = [0.1, 0]
rate 0.1
data
x[1], x[2], t[1], t[2]
0.5, 1, 1, 0
1, -0.3, 0, 1
""",
    "shared in a layer": """
input x1, x2
target t
z1 = w*x1 + v*x2 + b
a1 = sigmoid(z1)
z2 = v*x1 + w*x2 + b
a2 = sigmoid(z2)
y = u*a1 + u*a2 + b
cost C = sum((y - t)^2)/2
w = 0.3; v = -0.2; b = 0.1; u = 0.7
rate 0.1
data
x1, x2, t
1, 2, 0.5
-1, 0.4, 0.3
""",
    "a rest": """
input x1, x2
target t
z1 = w*x1 + v*x2
a1 = sigmoid(z1)
y = u*a1
e = y - t
f = a1*e
cost C = sum(e^2 + f)/2
w = 0.3; v = -0.2; u = 0.7
rate 0.1
data
x1, x2, t
1, 2, 0.5
-1, 0.4, 0.3
""",
    "many rows": """
input x
target t
a = tanh(w*x + b)
cost C = mean((a - t)^2)
w = 0.3; b = -0.1
rate 0.1
update momentum 0.5
mode batches of 7
data
x, t
0.1, 0.4
0.2, 0.8
0.3, 0.2
0.4, 0.6
0.5, 0.0
0.6, 0.4
0.7, 0.8
0.8, 0.2
0.9, 0.6
1.0, 0.0
1.1, 0.4
1.2, 0.8
1.3, 0.2
1.4, 0.6
1.5, 0.0
1.6, 0.4
1.7, 0.8
1.8, 0.2
1.9, 0.6
""",
    "numbers of all sizes": """
input x
target t
y = w*x/k + b
cost C = sum((y - t)^2)/3
const k = 0.0000123
w = 1e-7; b = 123456789.123
rate 1e-9
data
x, t
3e5, 1e8
-2e-5, 12345678.9
0, 123456789.123
""",
    "cross entropy on sigmoids": """
input x[2]
target t
p = σ(w @ x + b)
cost J = binary_cross_entropy(p, t)
w = [0.4, -0.3]; b = 0.2
rate 0.5
update adagrad 1e-8
data
x[1], x[2], t
1, 0.5, 1
-1, 2, 0
""",
    "every activation": """
input x
target t
a1 = sigmoid(w1*x + b1)
a2 = relu(w2*a1 + b2)
a3 = tanh(w1*a2 + b1)
a4 = softplus(w2*a3 + b2)
a5 = silu(w1*a4 + b1)
a6 = gelu(w2*a5 + b2)
a7 = selu(w1*a6 + b1)
a8 = elu(w2*a7 - b2, 0.5)
a9 = leaky(w1*a8 - b1, 0.2)
y = abs(w2*a9) + sqrt(1 + a8²) + log(1.5 + a7²) + exp(a9) + a2/(1 + a1) - 2^a3 + linear(a5)
cost C = poisson(y, t)
w1 = 0.8; w2 = -1.2; b1 = 0.1; b2 = 0.3
rate 0.01
update rmsprop 0.8
data
x, t
0.5, 2
-1.5, 1
""",
    "momentum on columns": """
input x[2]
target t
h = relu(V @ x)
y = u @ h
cost C = mae(y, t)
V = [[0.3, -0.2], [0.5, 0.4]]; u = [0.7, 0.1]
rate 0.1
update nesterov
mode online
data
x[1], x[2], t
1, 2, 1
-1, 0.5, 0
0.3, 0.3, 2
""",
    "penalty on entries": """
input x[2]
target t
y = V @ x + c
cost C = mean((y - t)^2) + 0.1*V[1,2]^2 - 0.3*c[1]*u + 0.2*total_u
V = [[0.5, -0.2]]; c = [0.1]; u = 0.4; total_u = 2
rate 0.1
data
x[1], x[2], t
0.5, 1, 1
1, -0.3, 0
""",
    "entries alone": """
input x[2]
target t
y = V[1,1]*x[1] + V[2,1]*x[2]^2 + V[1] @ x
cost C = sum((y - t)^2)/N + V[2,2]^2
V = [[0.5, -0.2], [0.3, 0.4]]
rate 0.1
data
x[1], x[2], t
0.5, 1, 1
1, -0.3, 0
""",
    "one row penalty": """
input x
target t
y = w*x
cost C = (y - t)^2 + 0.1*w^2
w = 2
rate 0.1
data
x, t
1, 0
""",
    "stack of stacks": """
input x, u
target t
M = [[w, x], [u, v]]
h = M @ [x, u]
y = h @ h + M[1,2]*M[2,1]
cost C = mse(y, t)
w = 0.4; v = -0.7
rate 0.1
data
x, u, t
1, 2, 3
""",
    "z in cost": """
input x
target t
a = relu(w*x + b)
y = v*a + c
cost C = mean((y - t)^2 + z^2)
w = 0.4; b = 0.2; v = -1.1; c = 0.3
rate 0.1
data
x, t
1, 2
-2, 1
""",
    "weird names": """
input x_1, ŷ0
target t
w_{11}^{(2)} = 0.3
W1~_1 = 0.2
a_{1}^{(2)} = tanh(w_{11}^{(2)}*x_1 + W1~_1*1 + β*ŷ0)
e = a_{1}^{(2)} - t
cost C = mean(e^2)
β = -0.4
rate 0.1
update momentum
data
x_1, ŷ0, t
1, 2, 3
2, 1, 1
""",
}
