"""The network and its training. PyTorch is handed in, so that this file says what it needs of it.

pixels -> hidden units, ReLU -> digits. Small enough to train in seconds, and the same shape as the
network of templates/mnist, so that one service reads both.
"""

PIXELS = 64
CLASSES = 10
WHITE = 16


def pick_device(torch):
    """The device to train on, and a line that says which one, or why not a GPU."""
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        more = f" (the first of {count} that were given)" if count > 1 else ""
        return "cuda:0", f"training on cuda: {torch.cuda.get_device_name(0)}{more}"
    if torch.version.cuda is None:
        why = "this PyTorch was built without CUDA"
    else:
        why = "no GPU was given to this job, or its driver is too old for CUDA " + torch.version.cuda
        why += "; ask for one with --gpu 1"
    return "cpu", f"training on the CPU: {why}"


def seed(torch, number):
    """The same numbers on the same kind of device each time."""
    torch.manual_seed(number)
    torch.use_deterministic_algorithms(True)


def tensors(torch, images, device):
    """(pixels, labels) of all images, on the device."""
    pixels = torch.tensor([image for _, image in images], dtype=torch.float32, device=device)
    labels = torch.tensor([label for label, _ in images], dtype=torch.long, device=device)
    return pixels, labels


def train(torch, data, params, device, after_epoch):
    pixels, labels = data
    hidden, size = int(params["hidden_units"]), int(params["batch_size"])
    net = torch.nn.Sequential(
        torch.nn.Linear(PIXELS, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, CLASSES)
    ).to(device)
    steps = torch.optim.Adam(net.parameters(), lr=params["learning_rate"])
    # The order is drawn on the CPU, so that it is the same on every device.
    order = torch.Generator().manual_seed(int(params["seed"]))
    for epoch in range(1, int(params["epochs"]) + 1):
        total = 0.0
        for batch in torch.randperm(len(labels), generator=order).to(device).split(size):
            steps.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(pixels[batch]), labels[batch])
            loss.backward()
            steps.step()
            total += loss.item() * len(batch)
        after_epoch(epoch, total / len(labels), net)
    return net


def evaluate(torch, net, data):
    """Share of images read rightly, and mean loss."""
    pixels, labels = data
    with torch.no_grad():
        scores = net(pixels)
        right = (scores.argmax(dim=1) == labels).float().mean().item()
        return right, torch.nn.functional.cross_entropy(scores, labels).item()


def as_json(net):
    """The weights, as the service reads them."""
    inner, _, outer = net
    layer = lambda of: {"weights": of.weight.tolist(), "bias": of.bias.tolist()}
    return {
        "kind": "digits-network",
        "version": 1,
        "white": WHITE,
        "inner": layer(inner),
        "outer": layer(outer),
    }
