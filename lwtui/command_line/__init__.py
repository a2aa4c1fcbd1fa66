"""What every command of lwtui is made with: its parser, its values, its model, its errors and its exit code."""
