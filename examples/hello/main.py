import sys
from greetings import greet


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "sandbox"
    print(greet(name))
    print(f"Python {sys.version.split()[0]} on {sys.platform}")


if __name__ == "__main__":
    main()
