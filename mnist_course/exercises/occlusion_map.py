"""The exercise `occlusion-map`: answer, cases, and typical mistakes with their hints."""

import torch
from torch import nn

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import spread_out


def network_and_image(height, width, label, size, paper):
    """A small network for images of a size, an image, and the rest as it is."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(height * width, 3))
    weights = spread_out(3, height * width) / (height * width) ** 0.5
    network.load_state_dict({"1.weight": weights, "1.bias": torch.tensor([0.3, -0.2, 0.1])})
    image = torch.cos(2.3 * torch.arange(height * width, dtype=torch.float32) + 0.5)
    image = (0.5 + 1.5 * image).reshape(1, height, width)
    return network.eval(), image, label, size, paper


def example():
    """The network and the image of the example in the lesson."""
    return nn.Flatten(), torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]), 0, 1, 0.0


EXERCISE = Exercise(
    name="occlusion-map",
    points=3,
    prepare=lambda *given: network_and_image(*given) if given else example(),
    cases=(
        Case((5, 5, 0, 2, 0.0), "an image of 5 × 5, the label 0, a patch of 2"),
        Case((4, 6, 1, 2, -0.4), "an image of 4 × 6, the label 1, a patch of 2"),
        Case((6, 4, 2, 3, -0.4), "an image of 6 × 4, the label 2, a patch of 3"),
        Case((3, 3, 1, 3, 0.0), "a patch that covers the whole image"),
        Case((4, 5, 2, 1, 0.5), "a patch of one pixel"),
        Case((), "the example of the lesson"),
    ),
    hints=(
        "Begin with one place: make a copy of the image, set a square of it to `paper`, and ask "
        "the network.",
        "A square is a slice in both axes: `covered[:, row : row + size, column : column + size]`.",
        "The patch fits at `height - size + 1` rows and `width - size + 1` columns. Take a new "
        "copy at each place, and softmax of the logits.",
    ),
)


@EXERCISE.answer
def occlusion_map(network, image, label, size, paper):
    return by_place(network, image, size, paper, lambda logits: logits.softmax(dim=0)[label])


def by_place(network, image, size, paper, worth, places=None, more=0):
    """A map of `worth`, a function of the logits (K,), at each place of the patch.

    places: rows and columns of the map, where the patch does not only go where it fits; more: how
    many pixels the patch is larger than asked.
    """
    height, width = image.shape[1:]
    rows, columns = places or (height - size + 1, width - size + 1)
    side = size + more
    found = torch.zeros(rows, columns)
    for row in range(rows):
        for column in range(columns):
            covered = image.clone()
            covered[:, row : row + side, column : column + side] = paper
            with torch.no_grad():
                found[row, column] = worth(network(covered[None])[0])
    return found


def worth_of(worth):
    """A wrong answer that keeps something else of the logits."""
    return lambda network, image, label, size, paper: by_place(
        network, image, size, paper, lambda logits: worth(logits, label)
    )


EXERCISE.mistake("logits", "These are logits. Softmax makes probabilities of them.")(
    worth_of(lambda logits, label: logits[label])
)
EXERCISE.mistake(
    "largest probability",
    "That is the probability of whatever the network says. The exercise asks for that of the "
    "label.",
)(worth_of(lambda logits, label: logits.softmax(dim=0).max()))


@EXERCISE.mistake(
    "patches pile up",
    "Each patch stays while the next one is set, so ever more of the image is covered. Take a new "
    "copy at each place.",
)
def _(network, image, label, size, paper):
    covered = image.clone()
    height, width = image.shape[1:]
    found = torch.zeros(height - size + 1, width - size + 1)
    for row in range(len(found)):
        for column in range(found.shape[1]):
            covered[:, row : row + size, column : column + size] = paper
            with torch.no_grad():
                found[row, column] = network(covered[None])[0].softmax(dim=0)[label]
    return found


EXERCISE.mistake("covered with 0", "You cover with 0. What stands for paper here is `paper`.")(
    lambda network, image, label, size, paper: occlusion_map(network, image, label, size, 0.0)
)
EXERCISE.mistake(
    "the drop",
    "That is how far the probability falls. The exercise asks for the probability that is left.",
)(
    lambda network, image, label, size, paper: (
        network(image[None])[0].softmax(dim=0)[label].item()
        - occlusion_map(network, image, label, size, paper)
    )
)
EXERCISE.mistake("rows and columns swapped", "Rows and columns of your map are swapped.")(
    lambda *given: occlusion_map(*given).T
)
EXERCISE.mistake(
    "last place missing",
    "The last row and the last column of places are missing: the patch fits at height − size + 1 "
    "rows.",
)(lambda *given: occlusion_map(*given)[:-1, :-1])
EXERCISE.mistake(
    "beyond the edge",
    "Your patch also goes where a part of it lies outside of the image. Stop where it still fits.",
)(
    lambda network, image, label, size, paper: by_place(
        network, image, size, paper, lambda logits: logits.softmax(dim=0)[label], image.shape[1:]
    )
)
EXERCISE.mistake(
    "steps of the patch",
    "Your patch moves by its own size. It should move by one pixel, so that it overlaps its last "
    "place.",
)(lambda *given: occlusion_map(*given)[:: given[3], :: given[3]])
EXERCISE.mistake(
    "one row more", "Your patch is one pixel too large: `row : row + size` holds `size` rows."
)(
    lambda network, image, label, size, paper: by_place(
        network, image, size, paper, lambda logits: logits.softmax(dim=0)[label], more=1
    )
)
