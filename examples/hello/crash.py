def divide(a: int, b: int) -> float:
    return a / b


print(divide(1, 0))
